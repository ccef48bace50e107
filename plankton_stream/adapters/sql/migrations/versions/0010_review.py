"""Blind opinions, disputes, images of known truth, how much is looked at twice

Revision: 0010, after 0009.
"""

import sqlalchemy as sa
from alembic import op


revision = '0010'
down_revision = '0009'


def upgrade() -> None:
    """Apply."""
    op.create_table('opinions',
    sa.Column('opinion_id', sa.String(length=26), nullable=False),
    sa.Column('image_id', sa.String(length=26), nullable=False),
    sa.Column('who', sa.String(length=200), nullable=False),
    sa.Column('taxon', sa.String(length=64), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.Column('note', sa.Text(), nullable=True),
    sa.Column('compared_taxon', sa.String(length=64), nullable=False),
    sa.Column('compared_who', sa.String(length=200), nullable=True),
    sa.Column('withdrawn_at', sa.BigInteger(), nullable=True),
    sa.ForeignKeyConstraint(['image_id'], ['images.image_id'], name=op.f('fk_opinions_image_id')),
    sa.ForeignKeyConstraint(['taxon'], ['taxa.key'], name=op.f('fk_opinions_taxon')),
    sa.ForeignKeyConstraint(['compared_taxon'], ['taxa.key'], name=op.f('fk_opinions_compared_taxon')),
    sa.PrimaryKeyConstraint('opinion_id', name=op.f('pk_opinions'))
    )
    op.create_index(op.f('ix_opinions_who_at'), 'opinions', ['who', 'at'], unique=False)
    op.create_index('uq_opinions_standing', 'opinions', ['image_id', 'who', 'kind'], unique=True,
        sqlite_where=sa.text('withdrawn_at IS NULL'), postgresql_where=sa.text('withdrawn_at IS NULL'))
    op.create_table('disputes',
    sa.Column('dispute_id', sa.String(length=26), nullable=False),
    sa.Column('image_id', sa.String(length=26), nullable=False),
    sa.Column('who', sa.String(length=200), nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.Column('taxon', sa.String(length=64), nullable=True),
    sa.Column('note', sa.Text(), nullable=True),
    sa.Column('opinion_id', sa.String(length=26), nullable=True),
    sa.Column('settled_label_id', sa.String(length=26), nullable=True),
    sa.Column('withdrawn_at', sa.BigInteger(), nullable=True),
    sa.ForeignKeyConstraint(['image_id'], ['images.image_id'], name=op.f('fk_disputes_image_id')),
    sa.ForeignKeyConstraint(['taxon'], ['taxa.key'], name=op.f('fk_disputes_taxon')),
    sa.PrimaryKeyConstraint('dispute_id', name=op.f('pk_disputes'))
    )
    op.create_index(op.f('ix_disputes_image_id'), 'disputes', ['image_id'], unique=False)
    op.create_table('reference_images',
    sa.Column('image_id', sa.String(length=26), nullable=False),
    sa.Column('taxon', sa.String(length=64), nullable=False),
    sa.Column('who', sa.String(length=200), nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.Column('note', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['image_id'], ['images.image_id'], name=op.f('fk_reference_images_image_id')),
    sa.ForeignKeyConstraint(['taxon'], ['taxa.key'], name=op.f('fk_reference_images_taxon')),
    sa.PrimaryKeyConstraint('image_id', name=op.f('pk_reference_images'))
    )
    op.create_table('review_shares',
    sa.Column('sequence', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('second_percent', sa.Float(), nullable=False),
    sa.Column('self_percent', sa.Float(), nullable=False),
    sa.Column('self_after_days', sa.Float(), nullable=False),
    sa.Column('reference_percent', sa.Float(), nullable=False),
    sa.Column('who', sa.String(length=200), nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('sequence', name=op.f('pk_review_shares')),
    sqlite_autoincrement=True
    )
    op.create_index('ix_images_state_letters', 'images', ['state', sa.text('substr(image_id, 11)')], unique=False)


def downgrade() -> None:
    """Undo."""
    op.drop_index('ix_images_state_letters', table_name='images')
    op.drop_table('review_shares')
    op.drop_table('reference_images')
    op.drop_table('disputes')
    op.drop_table('opinions')
