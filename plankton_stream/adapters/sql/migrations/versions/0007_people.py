"""People who can log in, their sessions, and what each labelled

Revision: 0007, after 0006.
"""

import sqlalchemy as sa
from alembic import op


revision = '0007'
down_revision = '0006'


def upgrade() -> None:
    """Apply."""
    op.create_table('people',
    sa.Column('name', sa.String(length=64), nullable=False),
    sa.Column('same_name', sa.String(length=200), nullable=False),
    sa.Column('role', sa.String(length=16), nullable=False),
    sa.Column('password_hash', sa.String(length=255), nullable=False),
    sa.Column('created_at', sa.BigInteger(), nullable=False),
    sa.Column('disabled_at', sa.BigInteger(), nullable=True),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_people')),
    sa.UniqueConstraint('same_name', name=op.f('uq_people_same_name'))
    )
    op.create_table('sessions',
    sa.Column('token_sha256', sa.String(length=64), nullable=False),
    sa.Column('person', sa.String(length=64), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('created_at', sa.BigInteger(), nullable=False),
    sa.Column('seen_at', sa.BigInteger(), nullable=False),
    sa.Column('expires_at', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['person'], ['people.name'], name=op.f('fk_sessions_person')),
    sa.PrimaryKeyConstraint('token_sha256', name=op.f('pk_sessions'))
    )
    op.create_index(op.f('ix_sessions_person'), 'sessions', ['person'], unique=False)
    op.create_index(op.f('ix_actions_who_action_id'), 'actions', ['who', 'action_id'], unique=False)
    op.create_index(op.f('ix_labels_who_sequence'), 'labels', ['who', 'sequence'], unique=False)


def downgrade() -> None:
    """Undo."""
    op.drop_index(op.f('ix_labels_who_sequence'), table_name='labels')
    op.drop_index(op.f('ix_actions_who_action_id'), table_name='actions')
    op.drop_index(op.f('ix_sessions_person'), table_name='sessions')
    op.drop_table('sessions')
    op.drop_table('people')
