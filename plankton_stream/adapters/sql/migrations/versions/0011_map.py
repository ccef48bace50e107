"""The map of all images, and indexes for pages that count and look around

Revision: 0011, after 0010.
"""

import sqlalchemy as sa
from alembic import op


revision = '0011'
down_revision = '0010'


def upgrade() -> None:
    """Apply."""
    op.create_table('maps',
    sa.Column('map_id', sa.String(length=26), nullable=False),
    sa.Column('encoder', sa.String(length=120), nullable=False),
    sa.Column('images', sa.BigInteger(), nullable=False),
    sa.Column('fitted_at', sa.BigInteger(), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.PrimaryKeyConstraint('map_id', name=op.f('pk_maps'))
    )
    op.create_table('map_points',
    sa.Column('map_id', sa.String(length=26), nullable=False),
    sa.Column('image_id', sa.String(length=26), nullable=False),
    sa.Column('x', sa.Float(), nullable=False),
    sa.Column('y', sa.Float(), nullable=False),
    sa.Column('landmark', sa.Boolean(), nullable=False),
    sa.Column('placed_at', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['map_id'], ['maps.map_id'], name=op.f('fk_map_points_map_id')),
    sa.ForeignKeyConstraint(['image_id'], ['images.image_id'], name=op.f('fk_map_points_image_id')),
    sa.PrimaryKeyConstraint('map_id', 'image_id', name=op.f('pk_map_points'))
    )
    op.create_index(op.f('ix_map_points_image_id'), 'map_points', ['image_id'], unique=False)
    op.create_index(op.f('ix_map_points_map_id_placed_at'), 'map_points', ['map_id', 'placed_at'], unique=False)
    op.create_index(op.f('ix_images_camera_image_id'), 'images', ['camera', 'image_id'], unique=False)
    op.drop_index(op.f('ix_images_taxon_state'), table_name='images')  # the next one begins with it
    op.create_index(op.f('ix_images_taxon_state_camera_captured_at_depth_m'), 'images', ['taxon', 'state', 'camera', 'captured_at', 'depth_m'], unique=False)
    op.create_index(op.f('ix_labels_at_who_retracted_at'), 'labels', ['at', 'who', 'retracted_at'], unique=False)


def downgrade() -> None:
    """Undo."""
    op.drop_index(op.f('ix_labels_at_who_retracted_at'), table_name='labels')
    op.drop_index(op.f('ix_images_taxon_state_camera_captured_at_depth_m'), table_name='images')
    op.create_index(op.f('ix_images_taxon_state'), 'images', ['taxon', 'state'], unique=False)
    op.drop_index(op.f('ix_images_camera_image_id'), table_name='images')
    op.drop_index(op.f('ix_map_points_map_id_placed_at'), table_name='map_points')
    op.drop_index(op.f('ix_map_points_image_id'), table_name='map_points')
    op.drop_table('map_points')
    op.drop_table('maps')
