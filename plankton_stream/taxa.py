"""The starter list of taxa: what a newcomer can label with before importing a tree of their own.

AphiaIDs are those of WoRMS (World Register of Marine Species), given where we are sure of them.
"""

from plankton_stream.domain import Taxon, TaxonKind

STARTER: tuple[Taxon, ...] = (
    Taxon(key="crustacean", name="Crustacea", rank="subphylum", aphia_id=1066),
    Taxon(key="copepod", name="Copepoda", rank="subclass", parent="crustacean", aphia_id=1080),
    Taxon(key="copepod_calanoid", name="Calanoida", rank="order", parent="copepod", aphia_id=1100),
    Taxon(
        key="copepod_cyclopoid", name="Cyclopoida", rank="order", parent="copepod", aphia_id=1101
    ),
    Taxon(key="nauplius", name="nauplius larva", rank="morphotype", parent="crustacean"),
    Taxon(
        key="cladoceran", name="Cladocera", rank="superorder", parent="crustacean", aphia_id=1076
    ),
    Taxon(key="amphipod", name="Amphipoda", rank="order", parent="crustacean", aphia_id=1135),
    Taxon(key="euphausiid", name="Euphausiacea", rank="order", parent="crustacean", aphia_id=1128),
    Taxon(key="decapod", name="Decapoda", rank="order", parent="crustacean", aphia_id=1130),
    Taxon(key="cnidarian", name="Cnidaria", rank="phylum", aphia_id=1267),
    Taxon(key="hydromedusa", name="hydromedusa", rank="morphotype", parent="cnidarian"),
    Taxon(
        key="siphonophore", name="Siphonophorae", rank="order", parent="cnidarian", aphia_id=1371
    ),
    Taxon(key="ctenophore", name="Ctenophora", rank="phylum", aphia_id=1248),
    Taxon(key="chaetognath", name="Chaetognatha", rank="phylum", aphia_id=2081),
    Taxon(key="polychaete", name="Polychaeta", rank="class", aphia_id=883),
    Taxon(key="mollusc", name="Mollusca", rank="phylum", aphia_id=51),
    Taxon(key="pteropod", name="Pteropoda", rank="order", parent="mollusc"),
    Taxon(key="echinoderm", name="Echinodermata", rank="phylum", aphia_id=1806),
    Taxon(key="pluteus", name="pluteus larva", rank="morphotype", parent="echinoderm"),
    Taxon(key="tunicate", name="Tunicata", rank="subphylum", aphia_id=146420),
    Taxon(
        key="appendicularian",
        name="Appendicularia",
        rank="class",
        parent="tunicate",
        aphia_id=17446,
    ),
    Taxon(key="doliolid", name="Doliolida", rank="order", parent="tunicate"),
    Taxon(key="salp", name="Salpida", rank="order", parent="tunicate"),
    Taxon(key="fish_larva", name="fish larva", rank="morphotype"),
    Taxon(key="diatom", name="Bacillariophyceae", rank="class", aphia_id=148899),
    Taxon(key="diatom_chain", name="diatom chain", rank="morphotype", parent="diatom"),
    Taxon(key="diatom_pennate", name="pennate diatom", rank="morphotype", parent="diatom"),
    Taxon(key="dinoflagellate", name="Dinophyceae", rank="class", aphia_id=19542),
    Taxon(key="radiolarian", name="Radiolaria", rank="phylum"),
    Taxon(key="foraminifer", name="Foraminifera", rank="phylum", aphia_id=1410),
    Taxon(key="egg", name="egg", rank="morphotype"),
    Taxon(key="detritus", name="detritus", kind=TaxonKind.NON_LIVING),
    Taxon(key="faecal_pellet", name="faecal pellet", kind=TaxonKind.NON_LIVING),
    Taxon(key="fibre", name="fibre", kind=TaxonKind.NON_LIVING),
    Taxon(key="bubble", name="bubble", kind=TaxonKind.NON_LIVING),
)
