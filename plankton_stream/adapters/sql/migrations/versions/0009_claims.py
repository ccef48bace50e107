"""Claims: who looks at which images now

Revision: 0009, after 0008.
"""

import sqlalchemy as sa
from alembic import op


revision = '0009'
down_revision = '0008'


def upgrade() -> None:
    """Apply."""
    op.create_table('claims',
    sa.Column('image_id', sa.String(length=26), nullable=False),
    sa.Column('owner', sa.String(length=300), nullable=False),
    sa.Column('until', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('image_id', name=op.f('pk_claims'))
    )
    op.create_index(op.f('ix_claims_owner'), 'claims', ['owner'], unique=False)
    op.create_index(op.f('ix_claims_until'), 'claims', ['until'], unique=False)


def downgrade() -> None:
    """Undo."""
    op.drop_table('claims')
