"""The first schema

Revision: 0001, the first.
"""

import sqlalchemy as sa
from alembic import op


revision = '0001'
down_revision = None


def upgrade() -> None:
    """Apply."""
    op.create_table('actions',
    sa.Column('action_id', sa.String(length=26), nullable=False),
    sa.Column('who', sa.String(length=200), nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.Column('idempotency_key', sa.String(length=200), nullable=True),
    sa.Column('request_sha256', sa.String(length=64), nullable=False),
    sa.PrimaryKeyConstraint('action_id', name=op.f('pk_actions')),
    sa.UniqueConstraint('idempotency_key', name=op.f('uq_actions_idempotency_key'))
    )
    op.create_table('cameras',
    sa.Column('camera', sa.String(length=64), nullable=False),
    sa.Column('first_seen_at', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('camera', name=op.f('pk_cameras'))
    )
    op.create_table('encoders',
    sa.Column('encoder', sa.String(length=120), nullable=False),
    sa.Column('dimension', sa.Integer(), nullable=False),
    sa.Column('registered_at', sa.BigInteger(), nullable=False),
    sa.Column('live', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('encoder', name=op.f('pk_encoders'))
    )
    op.create_index('uq_encoders_live', 'encoders', ['live'], unique=True, sqlite_where=sa.text('live'), postgresql_where=sa.text('live'))
    op.create_table('frames',
    sa.Column('camera', sa.String(length=64), nullable=False),
    sa.Column('frame_key', sa.String(length=1024), nullable=False),
    sa.Column('capture', sa.JSON(), nullable=False),
    sa.Column('boxes', sa.JSON(), nullable=False),
    sa.Column('width_px', sa.Integer(), nullable=False),
    sa.Column('height_px', sa.Integer(), nullable=False),
    sa.Column('rejected_because', sa.Text(), nullable=True),
    sa.Column('recorded_at', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('camera', 'frame_key', name=op.f('pk_frames'))
    )
    op.create_table('outbox',
    sa.Column('sequence', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('event_id', sa.String(length=26), nullable=False),
    sa.Column('event_type', sa.String(length=120), nullable=False),
    sa.Column('fact', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('sequence', name=op.f('pk_outbox')),
    sqlite_autoincrement=True
    )
    op.create_table('taxa',
    sa.Column('key', sa.String(length=64), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('rank', sa.String(length=40), nullable=True),
    sa.Column('parent', sa.String(length=64), nullable=True),
    sa.Column('aphia_id', sa.Integer(), nullable=True),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.ForeignKeyConstraint(['parent'], ['taxa.key'], name=op.f('fk_taxa_parent')),
    sa.PrimaryKeyConstraint('key', name=op.f('pk_taxa'))
    )
    op.create_table('images',
    sa.Column('image_id', sa.String(length=26), nullable=False),
    sa.Column('camera', sa.String(length=64), nullable=False),
    sa.Column('sample', sa.String(length=64), nullable=True),
    sa.Column('captured_at', sa.BigInteger(), nullable=True),
    sa.Column('depth_m', sa.Float(), nullable=True),
    sa.Column('latitude', sa.Float(), nullable=True),
    sa.Column('longitude', sa.Float(), nullable=True),
    sa.Column('pixel_size_um', sa.Float(), nullable=True),
    sa.Column('live', sa.Boolean(), nullable=False),
    sa.Column('frame_key', sa.String(length=1024), nullable=False),
    sa.Column('box', sa.JSON(none_as_null=True), nullable=True),
    sa.Column('content_type', sa.String(length=64), nullable=False),
    sa.Column('byte_size', sa.Integer(), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('width_px', sa.Integer(), nullable=False),
    sa.Column('height_px', sa.Integer(), nullable=False),
    sa.Column('encoder', sa.String(length=120), nullable=False),
    sa.Column('indexed_at', sa.BigInteger(), nullable=False),
    sa.Column('taxon', sa.String(length=64), nullable=True),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('label_id', sa.String(length=26), nullable=True),
    sa.Column('label_version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['taxon'], ['taxa.key'], name=op.f('fk_images_taxon')),
    sa.PrimaryKeyConstraint('image_id', name=op.f('pk_images'))
    )
    op.create_index(op.f('ix_images_camera_indexed_at_image_id'), 'images', ['camera', 'indexed_at', 'image_id'], unique=False)
    op.create_index(op.f('ix_images_captured_at'), 'images', ['captured_at'], unique=False)
    op.create_index(op.f('ix_images_indexed_at_image_id'), 'images', ['indexed_at', 'image_id'], unique=False)
    op.create_index(op.f('ix_images_state_indexed_at_image_id'), 'images', ['state', 'indexed_at', 'image_id'], unique=False)
    op.create_index(op.f('ix_images_taxon_indexed_at_image_id'), 'images', ['taxon', 'indexed_at', 'image_id'], unique=False)
    op.create_table('labels',
    sa.Column('sequence', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('label_id', sa.String(length=26), nullable=False),
    sa.Column('action_id', sa.String(length=26), nullable=False),
    sa.Column('image_id', sa.String(length=26), nullable=False),
    sa.Column('taxon', sa.String(length=64), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('source', sa.String(length=16), nullable=False),
    sa.Column('who', sa.String(length=200), nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.Column('why', sa.Text(), nullable=True),
    sa.Column('retracted_at', sa.BigInteger(), nullable=True),
    sa.Column('retracted_by', sa.String(length=200), nullable=True),
    sa.ForeignKeyConstraint(['action_id'], ['actions.action_id'], name=op.f('fk_labels_action_id')),
    sa.ForeignKeyConstraint(['image_id'], ['images.image_id'], name=op.f('fk_labels_image_id')),
    sa.ForeignKeyConstraint(['taxon'], ['taxa.key'], name=op.f('fk_labels_taxon')),
    sa.PrimaryKeyConstraint('sequence', name=op.f('pk_labels')),
    sa.UniqueConstraint('label_id', name=op.f('uq_labels_label_id')),
    sqlite_autoincrement=True
    )
    op.create_index(op.f('ix_labels_action_id'), 'labels', ['action_id'], unique=False)
    op.create_index(op.f('ix_labels_image_id_sequence'), 'labels', ['image_id', 'sequence'], unique=False)


def downgrade() -> None:
    """Undo."""
    op.drop_index(op.f('ix_labels_image_id_sequence'), table_name='labels')
    op.drop_index(op.f('ix_labels_action_id'), table_name='labels')
    op.drop_table('labels')
    op.drop_index(op.f('ix_images_taxon_indexed_at_image_id'), table_name='images')
    op.drop_index(op.f('ix_images_state_indexed_at_image_id'), table_name='images')
    op.drop_index(op.f('ix_images_indexed_at_image_id'), table_name='images')
    op.drop_index(op.f('ix_images_captured_at'), table_name='images')
    op.drop_index(op.f('ix_images_camera_indexed_at_image_id'), table_name='images')
    op.drop_table('images')
    op.drop_table('taxa')
    op.drop_table('outbox')
    op.drop_table('frames')
    op.drop_table('encoders')
    op.drop_table('cameras')
    op.drop_table('actions')
