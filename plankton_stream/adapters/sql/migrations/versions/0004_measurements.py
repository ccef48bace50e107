"""Measurements of images, and what a frame's cut left out

Revision: 0004, after 0003.
"""

import sqlalchemy as sa
from alembic import op


revision = '0004'
down_revision = '0003'


def upgrade() -> None:
    """Apply."""
    op.add_column('frames', sa.Column('left_out', sa.JSON(none_as_null=True), nullable=True))
    op.add_column('images', sa.Column('measurements', sa.JSON(none_as_null=True), nullable=True))


def downgrade() -> None:
    """Undo."""
    op.drop_column('images', 'measurements')
    op.drop_column('frames', 'left_out')
