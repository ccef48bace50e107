"""Predictions, apart from labels, and what people said an image is not

Revision: 0006, after 0005.
"""

import sqlalchemy as sa
from alembic import op


revision = '0006'
down_revision = '0005'


def upgrade() -> None:
    """Apply."""
    op.create_table('predictions',
    sa.Column('image_id', sa.String(length=26), nullable=False),
    sa.Column('taxon', sa.String(length=64), nullable=True),
    sa.Column('score', sa.Float(), nullable=False),
    sa.Column('margin', sa.Float(), nullable=False),
    sa.Column('nearest', sa.Float(), nullable=True),
    sa.Column('crowd', sa.Float(), nullable=False),
    sa.Column('evidence', sa.JSON(), nullable=False),
    sa.Column('encoder', sa.String(length=120), nullable=False),
    sa.Column('voted_at', sa.BigInteger(), nullable=False),
    sa.Column('passed', sa.Integer(), server_default='0', nullable=False),
    sa.ForeignKeyConstraint(['image_id'], ['images.image_id'], name=op.f('fk_predictions_image_id')),
    sa.ForeignKeyConstraint(['taxon'], ['taxa.key'], name=op.f('fk_predictions_taxon')),
    sa.PrimaryKeyConstraint('image_id', name=op.f('pk_predictions'))
    )
    op.create_index(op.f('ix_predictions_taxon_score'), 'predictions', ['taxon', 'score'], unique=False)
    op.create_index(op.f('ix_predictions_voted_at'), 'predictions', ['voted_at'], unique=False)
    op.create_table('rejections',
    sa.Column('image_id', sa.String(length=26), nullable=False),
    sa.Column('taxon', sa.String(length=64), nullable=False),
    sa.Column('who', sa.String(length=200), nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['image_id'], ['images.image_id'], name=op.f('fk_rejections_image_id')),
    sa.ForeignKeyConstraint(['taxon'], ['taxa.key'], name=op.f('fk_rejections_taxon')),
    sa.PrimaryKeyConstraint('image_id', 'taxon', name=op.f('pk_rejections'))
    )


def downgrade() -> None:
    """Undo."""
    op.drop_table('rejections')
    op.drop_index(op.f('ix_predictions_voted_at'), table_name='predictions')
    op.drop_index(op.f('ix_predictions_taxon_score'), table_name='predictions')
    op.drop_table('predictions')
