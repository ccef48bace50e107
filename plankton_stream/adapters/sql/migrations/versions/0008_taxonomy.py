"""Synonyms, merged taxa, and the history of the taxonomy

Revision: 0008, after 0007.
"""

import sqlalchemy as sa
from alembic import op


revision = '0008'
down_revision = '0007'


def upgrade() -> None:
    """Apply."""
    # As text: SQLite can add a column with its foreign key, but no foreign key later, and making the
    # table anew would delete what other tables refer to.
    op.execute(
        'ALTER TABLE taxa ADD COLUMN merged_into VARCHAR(64) '
        'CONSTRAINT fk_taxa_merged_into REFERENCES taxa (key)'
    )
    op.create_table('synonyms',
    sa.Column('folded', sa.String(length=400), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('taxon', sa.String(length=64), nullable=False),
    sa.ForeignKeyConstraint(['taxon'], ['taxa.key'], name=op.f('fk_synonyms_taxon')),
    sa.PrimaryKeyConstraint('folded', name=op.f('pk_synonyms'))
    )
    op.create_index(op.f('ix_synonyms_taxon'), 'synonyms', ['taxon'], unique=False)
    op.create_table('taxon_changes',
    sa.Column('sequence', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('taxon', sa.String(length=64), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('who', sa.String(length=200), nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.Column('before', sa.JSON(none_as_null=True), nullable=True),
    sa.Column('after', sa.JSON(none_as_null=True), nullable=True),
    sa.Column('why', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('sequence', name=op.f('pk_taxon_changes')),
    sqlite_autoincrement=True
    )
    op.create_index(op.f('ix_taxon_changes_taxon_sequence'), 'taxon_changes', ['taxon', 'sequence'], unique=False)
    op.create_table('merges',
    sa.Column('action_id', sa.String(length=26), nullable=False),
    sa.Column('taxon', sa.String(length=64), nullable=False),
    sa.Column('target', sa.String(length=64), nullable=False),
    sa.Column('who', sa.String(length=200), nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.Column('moved', sa.JSON(), nullable=False),
    sa.Column('ended_at', sa.BigInteger(), nullable=True),
    sa.Column('undone_at', sa.BigInteger(), nullable=True),
    sa.Column('undone_by', sa.String(length=200), nullable=True),
    sa.Column('undo_ended_at', sa.BigInteger(), nullable=True),
    sa.ForeignKeyConstraint(['action_id'], ['actions.action_id'], name=op.f('fk_merges_action_id')),
    sa.ForeignKeyConstraint(['taxon'], ['taxa.key'], name=op.f('fk_merges_taxon')),
    sa.ForeignKeyConstraint(['target'], ['taxa.key'], name=op.f('fk_merges_target')),
    sa.PrimaryKeyConstraint('action_id', name=op.f('pk_merges'))
    )
    op.create_index(op.f('ix_merges_taxon'), 'merges', ['taxon'], unique=False)
    op.create_index(op.f('ix_images_taxon_state'), 'images', ['taxon', 'state'], unique=False)


def downgrade() -> None:
    """Undo."""
    op.drop_index(op.f('ix_images_taxon_state'), table_name='images')
    op.drop_table('merges')
    op.drop_table('taxon_changes')
    op.drop_table('synonyms')
    op.drop_column('taxa', 'merged_into')
