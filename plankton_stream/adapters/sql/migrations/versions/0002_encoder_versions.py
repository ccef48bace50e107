"""Encoder versions

Revision: 0002, after 0001.
"""

import sqlalchemy as sa
from alembic import op


revision = '0002'
down_revision = '0001'


def upgrade() -> None:
    """Apply: the table has a handful of rows, so it is made anew."""
    before = op.get_bind().execute(
        sa.text('SELECT encoder, dimension, registered_at FROM encoders WHERE live')
    ).all()
    op.drop_index('uq_encoders_live', table_name='encoders')
    op.drop_table('encoders')
    encoders = op.create_table('encoders',
    sa.Column('encoder', sa.String(length=120), nullable=False),
    sa.Column('dimension', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=64), nullable=False),
    sa.Column('file', sa.String(length=200), nullable=False),
    sa.Column('source', sa.String(length=1024), nullable=False),
    sa.Column('identity', sa.JSON(), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('filling', sa.Boolean(), nullable=False),
    sa.Column('registered_at', sa.BigInteger(), nullable=False),
    sa.Column('live_since', sa.BigInteger(), nullable=True),
    sa.Column('who', sa.String(length=200), nullable=False),
    sa.Column('done', sa.BigInteger(), nullable=False),
    sa.Column('total', sa.BigInteger(), nullable=False),
    sa.Column('images_per_s', sa.Float(), nullable=True),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.Column('dropped', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('encoder', name=op.f('pk_encoders'))
    )
    op.create_index('uq_encoders_live', 'encoders', ['state'], unique=True, sqlite_where=sa.text("state = 'live'"), postgresql_where=sa.text("state = 'live'"))
    op.create_index('uq_encoders_filling', 'encoders', ['filling'], unique=True, sqlite_where=sa.text('filling'), postgresql_where=sa.text('filling'))
    op.create_table('not_embedded',
    sa.Column('encoder', sa.String(length=120), nullable=False),
    sa.Column('image_id', sa.String(length=26), nullable=False),
    sa.Column('cause', sa.Text(), nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['encoder'], ['encoders.encoder'], name=op.f('fk_not_embedded_encoder')),
    sa.ForeignKeyConstraint(['image_id'], ['images.image_id'], name=op.f('fk_not_embedded_image_id')),
    sa.PrimaryKeyConstraint('encoder', 'image_id', name=op.f('pk_not_embedded'))
    )
    for encoder, dimension, registered_at in before:
        op.execute(encoders.insert().values(
            encoder=encoder, dimension=dimension, name='', file='', source='', identity={},
            state='live', filling=False, registered_at=registered_at, live_since=registered_at,
            who='', done=0, total=0, dropped=False,
        ))


def downgrade() -> None:
    """Undo."""
    before = op.get_bind().execute(
        sa.text("SELECT encoder, dimension, registered_at FROM encoders WHERE state = 'live'")
    ).all()
    op.drop_table('not_embedded')
    op.drop_index('uq_encoders_filling', table_name='encoders')
    op.drop_index('uq_encoders_live', table_name='encoders')
    op.drop_table('encoders')
    encoders = op.create_table('encoders',
    sa.Column('encoder', sa.String(length=120), nullable=False),
    sa.Column('dimension', sa.Integer(), nullable=False),
    sa.Column('registered_at', sa.BigInteger(), nullable=False),
    sa.Column('live', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('encoder', name=op.f('pk_encoders'))
    )
    op.create_index('uq_encoders_live', 'encoders', ['live'], unique=True, sqlite_where=sa.text('live'), postgresql_where=sa.text('live'))
    for encoder, dimension, registered_at in before:
        op.execute(encoders.insert().values(
            encoder=encoder, dimension=dimension, registered_at=registered_at, live=True,
        ))
