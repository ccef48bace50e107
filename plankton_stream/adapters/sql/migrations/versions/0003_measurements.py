"""Measurements of images, and what a frame's cut left out

Revision: 0003, after 0004.
"""

import sqlalchemy as sa
from alembic import op


revision = '0003'
down_revision = '0004'


def upgrade() -> None:
    """Apply."""
    op.add_column('frames', sa.Column('left_out', sa.JSON(none_as_null=True), nullable=True))
    op.add_column('images', sa.Column('measurements', sa.JSON(none_as_null=True), nullable=True))


def downgrade() -> None:
    """Undo."""
    op.drop_column('images', 'measurements')
    op.drop_column('frames', 'left_out')
