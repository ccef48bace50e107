"""An image's project is the one that its sample was put into

Revision: 0012, after 0011.
"""

from alembic import op


revision = '0012'
down_revision = '0011'


def upgrade() -> None:
    """Apply."""
    op.execute(
        'UPDATE images SET project = '
        '(SELECT project FROM samples WHERE samples.sample = images.sample) '
        'WHERE sample IN (SELECT sample FROM samples WHERE project IS NOT NULL)'
    )


def downgrade() -> None:
    """Nothing to undo: the column is what it was, and what cameras said is in the index."""
