"""The queue of sure predictions is read in its order

Revision: 0013, after 0012.
"""

from alembic import op


revision = '0013'
down_revision = '0012'

_NAME = 'ix_predictions_score_image_id'


def upgrade() -> None:
    """Apply."""
    op.create_index(_NAME, 'predictions', ['score', 'image_id'])


def downgrade() -> None:
    """Take back."""
    op.drop_index(_NAME, 'predictions')
