"""Samples, projects, and the record of deletions

Revision: 0005, after 0004.
"""

import sqlalchemy as sa
from alembic import op


revision = '0005'
down_revision = '0004'


def upgrade() -> None:
    """Apply."""
    op.create_table('projects',
    sa.Column('project', sa.String(length=64), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('note', sa.Text(), nullable=True),
    sa.Column('created_at', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('project', name=op.f('pk_projects'))
    )
    op.create_table('samples',
    sa.Column('sample', sa.String(length=64), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('project', sa.String(length=64), nullable=True),
    sa.Column('note', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['project'], ['projects.project'], name=op.f('fk_samples_project')),
    sa.PrimaryKeyConstraint('sample', name=op.f('pk_samples'))
    )
    op.create_index(op.f('ix_samples_project'), 'samples', ['project'], unique=False)
    op.create_table('deletions',
    sa.Column('deletion_id', sa.String(length=26), nullable=False),
    sa.Column('sample', sa.String(length=64), nullable=False),
    sa.Column('camera', sa.String(length=64), nullable=True),
    sa.Column('who', sa.String(length=200), nullable=False),
    sa.Column('why', sa.Text(), nullable=True),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.Column('ended_at', sa.BigInteger(), nullable=True),
    sa.Column('frames', sa.BigInteger(), nullable=False),
    sa.Column('images', sa.BigInteger(), nullable=False),
    sa.Column('labels', sa.BigInteger(), nullable=False),
    sa.Column('image_bytes', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('deletion_id', name=op.f('pk_deletions'))
    )
    op.create_index(op.f('ix_deletions_sample'), 'deletions', ['sample'], unique=False)


def downgrade() -> None:
    """Undo."""
    op.drop_table('deletions')
    op.drop_table('samples')
    op.drop_table('projects')
