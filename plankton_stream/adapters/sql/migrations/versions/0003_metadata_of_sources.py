"""Metadata of sources

Revision: 0003, after 0002.
"""

import sqlalchemy as sa
from alembic import op


revision = '0003'
down_revision = '0002'

_COLUMNS = (
    ('instrument', sa.String(length=200)),
    ('project', sa.String(length=64)),
    ('volume_ml', sa.Float()),
    ('source_file', sa.String(length=1024)),
)
_INDEXED = ('project', 'sample')


def upgrade() -> None:
    """Apply: what is unknown of the images so far stays so."""
    for name, kind in _COLUMNS:
        op.add_column('images', sa.Column(name, kind, nullable=True))
    op.add_column('images', sa.Column('extra', sa.JSON(), nullable=False, server_default='{}'))
    for name in _INDEXED:
        op.create_index(
            f'ix_images_{name}_indexed_at_image_id', 'images', [name, 'indexed_at', 'image_id']
        )


def downgrade() -> None:
    """Undo."""
    for name in _INDEXED:
        op.drop_index(f'ix_images_{name}_indexed_at_image_id', table_name='images')
    for name in ('extra', *(name for name, _ in _COLUMNS)):
        op.drop_column('images', name)
