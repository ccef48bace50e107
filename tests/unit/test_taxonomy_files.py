"""Files of taxa: the formats, and what is wrong with some."""

import io
import zipfile
from pathlib import Path

import pytest

from plankton_stream.domain import Taxon, TaxonKind
from plankton_stream.errors import ConfigError, RejectedError
from plankton_stream.taxa import STARTER
from plankton_stream.taxonomy import source
from plankton_stream.taxonomy.formats import Format
from plankton_stream.taxonomy.plan import Plan, plan
from plankton_stream.taxonomy.reading import read_bytes, read_file

HAVE = {taxon.key: taxon for taxon in STARTER}


def planned(text: str | bytes, have: dict[str, Taxon] = HAVE, **options: object) -> Plan:
    data = text.encode() if isinstance(text, str) else text
    return plan(read_bytes(data, "f.csv"), have, {"old": "egg"}, **options)


def added(text: str | bytes, have: dict[str, Taxon] = HAVE) -> dict[str, Taxon]:
    return {one.key: one for one in planned(text, have).new}


def refused(text: str | bytes, **options: object) -> str:
    with pytest.raises(RejectedError) as caught:
        planned(text, **options)
    return str(caught.value)


def again(text: str | bytes, have: dict[str, Taxon] = HAVE) -> None:
    """The same file again changes nothing."""
    first = planned(text, have)
    after = have | {one.key: one for one in first.new} | {new.key: new for _, new in first.changed}
    second = planned(text, after)
    assert (second.new, second.changed) == ([], [])


# --- formats


def test_our_own_table_in_any_order_of_lines() -> None:
    text = (
        "name,key,parent,rank,aphia_id,kind,synonyms\n"
        "Oithona similis,,oithona,species,106656,,Oithona helgolandica|O. sim.\n"
        "Oithona,oithona,Cyclopoida,Genus,,,\n"
        "\n"
        '"net, torn",,,,,non-living,\n'
    )
    new = added(text)
    assert list(new) == ["oithona", "net-torn", "oithona-similis"], "parents come first"
    assert new["oithona"].parent == "copepod_cyclopoid", "a parent may be given by its name"
    assert new["oithona-similis"].synonyms == ("O. sim.", "Oithona helgolandica")
    assert (new["oithona-similis"].aphia_id, new["oithona-similis"].parent) == (106656, "oithona")
    assert new["net-torn"].kind is TaxonKind.NON_LIVING
    again(text)


@pytest.mark.parametrize("delimiter", ["\t", ";"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_other_separators_and_encodings(delimiter: str, encoding: str) -> None:
    text = "key,name\r\nmeduse,Méduse\r\n".replace(",", delimiter)
    assert added(text.encode(encoding))["meduse"].name == "Méduse"


WORMS = """taxonID\tscientificName\tacceptedNameUsageID\tparentNameUsageID\ttaxonRank\ttaxonomicStatus
urn:lsid:marinespecies.org:taxname:1080\tCopepoda\turn:lsid:marinespecies.org:taxname:1080\turn:lsid:marinespecies.org:taxname:1066\tSubclass\taccepted
urn:lsid:marinespecies.org:taxname:104464\tCalanus finmarchicus\turn:lsid:marinespecies.org:taxname:104464\turn:lsid:marinespecies.org:taxname:104152\tSpecies\taccepted
urn:lsid:marinespecies.org:taxname:104152\tCalanus\t\turn:lsid:marinespecies.org:taxname:1100\tGenus\taccepted
urn:lsid:marinespecies.org:taxname:999001\tMonoculus finmarchicus "Gunnerus\turn:lsid:marinespecies.org:taxname:104464\turn:lsid:marinespecies.org:taxname:999999\tSpecies\tunaccepted
"""  # noqa: E501


def test_darwin_core_as_worms_writes_it() -> None:
    new = added(WORMS)
    assert list(new) == ["calanus", "calanus-finmarchicus"], "Copepoda is here, by its AphiaID"
    assert (new["calanus"].parent, new["calanus"].aphia_id) == ("copepod_calanoid", 104152)
    species = new["calanus-finmarchicus"]
    assert (species.parent, species.rank) == ("calanus", "species")
    assert species.synonyms == ('Monoculus finmarchicus "Gunnerus',)
    again(WORMS)


def test_the_columns_of_worms_taxon_match() -> None:
    text = (
        "AphiaID,ScientificName,Authority,Status,AphiaID_accepted,TaxonRank\n"
        "104464,Calanus finmarchicus,x,accepted,104464,Species\n"
        "999001,Monoculus finmarchicus,x,unaccepted,104464,Species\n"
    )
    (one,) = added(text).values()
    assert (one.aphia_id, one.synonyms) == (104464, ("Monoculus finmarchicus",))


def test_darwin_core_by_names_only() -> None:
    text = (
        "scientificName,parentNameUsage,acceptedNameUsage,taxonomicStatus\n"
        "Oithona,Cyclopoida,Oithona,accepted\nOithonina,,Oithona,synonym\n"
    )
    (one,) = added(text).values()
    assert (one.parent, one.synonyms) == ("copepod_cyclopoid", ("Oithonina",))


META = """<archive xmlns="http://rs.tdwg.org/dwc/text/"><core encoding="UTF-8"
 fieldsTerminatedBy="\\t" linesTerminatedBy="\\n" fieldsEnclosedBy="" ignoreHeaderLines="{headers}"
 rowType="http://rs.tdwg.org/dwc/terms/Taxon"><files><location>taxon.txt</location></files>
 <id index="0"/><field index="1" term="http://rs.tdwg.org/dwc/terms/scientificName"/>
 <field index="2" term="http://rs.tdwg.org/dwc/terms/parentNameUsageID"/>
 <field default="x" term="http://rs.tdwg.org/dwc/terms/nomenclaturalCode"/></core></archive>"""


def zipped(**files: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), text)
    return made.getvalue()


@pytest.mark.parametrize("headers", [0, 1])
def test_a_darwin_core_archive(headers: int) -> None:
    rows = "1\tOithona\t\n2\tOithona similis\t1\n"
    data = zipped(
        dwca__meta_xml=META.format(headers=headers),
        dwca__taxon_txt=("whatever\n" if headers else "") + rows,
    )
    assert [(one.key, one.parent) for one in added(data).values()] == [
        ("oithona", None), ("oithona-similis", "oithona"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"a_txt": "x"}, "neither a Darwin Core archive"),
        ({"meta_xml": "<archive"}, "no XML"),
        ({"meta_xml": "<archive/>"}, "names no core file"),
        ({"meta_xml": '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'}, "declares entities"),
        ({"meta_xml": META.format(headers=1)}, "taxon.txt can't be read"),
        (
            {
                "meta_xml": META.format(headers=1).replace('index="1"', 'index="x"'),
                "taxon_txt": "a",
            },
            "no number",
        ),
        (
            {"meta_xml": META.format(headers=1).replace('Taxon"', 'Event"'), "taxon_txt": "a"},
            "rows are",
        ),
    ],
)
def test_zips_that_are_no_archives(files: dict[str, str], says: str) -> None:
    assert says in refused(zipped(**files))


def test_a_damaged_zip() -> None:
    whole = zipped(meta_xml=META.format(headers=1), taxon_txt="a\n" * 1000)
    assert "damaged" in refused(whole[: len(whole) // 2])


def test_ecotaxa_s_taxonomy() -> None:
    text = (
        "id\tparent_id\tname\tdisplay_name\ttype\trank\taphia_id\trenm_id\n"
        "1\t\tliving\tliving<\tP\t\t\t\n"
        "2\t1\tCopepoda\tCopepoda\tP\tSubclass\t1080\t\n"
        "3\t2\tegg\tegg<Copepoda\tM\t\t1080\t\n"
        "4\t\tnot-living\tnot-living\tP\t\t\t\n"
        "5\t4\tshadow\tshadow<not-living\tM\t\t\t\n"
        "7\t4\tdetritus\tdetritus<not-living\tM\t\t\t\n"
        "6\t1\tCopepods\tCopepods\tP\t\t\t2\n"
    )
    todo = planned(text)
    new = {one.key: one for one in todo.new}
    assert set(new) == {"living", "egg-copepoda", "not-living", "shadow"}
    egg = new["egg-copepoda"]
    assert (egg.name, egg.parent, egg.rank, egg.aphia_id) == ("egg", "copepod", "morphotype", None)
    assert new["shadow"].kind is new["not-living"].kind is TaxonKind.NON_LIVING
    assert {new.key for _, new in todo.changed} == {"copepod", "detritus"}, "eggs differ, dust not"
    assert {new.key: new for _, new in todo.changed}["copepod"].synonyms == ("Copepods",)
    again(text)


def test_ecotaxa_s_export_of_objects() -> None:
    table = (
        "object_id\tobject_annotation_category\tobject_annotation_hierarchy\n"
        "[t]\t[t]\t[t]\n"
        "a\tOithona\tliving>Copepoda>Oithona\n"
        "b\tOithona\tliving>Copepoda>Oithona\n"
        "c\tegg<Oithona\tliving>Copepoda>Oithona>egg\n"
        "d\tdetritus\tnot-living>detritus\n"
        "e\t\t\n"
    )
    for data in (table.encode(), zipped(ecotaxa_export_tsv=table)):
        new = added(data)
        assert set(new) == {"living", "oithona", "egg-oithona", "not-living"}
        assert (new["oithona"].parent, new["egg-oithona"].parent) == ("copepod", "oithona")
    again(table)


def test_an_indented_list() -> None:
    text = "# mine\nAnimalia\n  Rotifera\n    Brachionus\n  Tardigrada\nmud\n"
    new = added(text)
    assert [(one.name, one.parent) for one in new.values()] == [
        ("Animalia", None), ("mud", None), ("Rotifera", "animalia"), ("Tardigrada", "animalia"),
        ("Brachionus", "rotifera"),
    ]  # fmt: skip
    again(text)


def test_one_name_a_line_with_ecotaxa_s_parents() -> None:
    text = "Copepoda\negg<Copepoda\nzoea<Brachyura\n"
    new = added(text)
    assert {(one.name, one.parent) for one in new.values()} == {
        ("egg", "copepod"), ("Brachyura", None), ("zoea", "brachyura"),
    }  # fmt: skip
    again(text)


# --- what is there already


def test_what_is_there_is_completed_and_never_overwritten_unless_asked() -> None:
    text = "key,name,rank,aphia_id\npteropod,Pteropods,class,411903\n"
    todo = planned(text)
    ((old, new),) = todo.changed
    assert (new.rank, new.name, new.aphia_id) == (old.rank, old.name, 411903)
    assert len(todo.kept) == 2
    assert "line 2: pteropod: name is Pteropods there and Pteropoda here" in todo.kept
    ((_, new),) = planned(text, update=True).changed
    assert (new.rank, new.name, new.synonyms) == ("class", "Pteropods", ("Pteropoda",))


def test_a_key_that_was_merged_here_leads_to_the_valid_taxon() -> None:
    todo = planned("key,name,parent\nold,Old,\nnew,New,old\n")
    assert [(one.key, one.parent) for one in todo.new] == [("new", "egg")]
    assert "'old' was merged into 'egg' here" in todo.kept[0]


def test_those_without_a_parent_go_below_one() -> None:
    new = planned("Acartia\n  Acartia clausi\n", under="copepod_calanoid").new
    assert [one.parent for one in new] == ["copepod_calanoid", "acartia"]
    new = planned("name,parent\nAcartia,Acartiidae\n", under="copepod_calanoid").new
    assert [one.parent for one in new] == ["copepod_calanoid"]


# --- mistakes


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("key,name\nA B,x\n", "line 2, column 'key': 'A B' (3 characters): a key is 1…64"),
        ("key,name\na,\n", "line 2, column 'name': is empty"),
        (f"key,name\na,{'x' * 201}\n", "line 2, column 'name': 'xxx"),
        ('key,name\na,"two\nlines"\n', "line 2, column 'name': 'two\\nlines'"),
        ("key,name,colour\na,b,red\n", "line 1: unknown columns 'colour': allowed are key, name"),
        ("key,name\na,b,c\n", "line 2: 3 cells for 2 columns"),
        ('key,name\na,"b\n', "line 2: not to be read"),
        ("key,name,aphia_id\na,b,12x\n", "line 2, column 'aphia_id': '12x' is no number"),
        ("key,name,aphia_id\na,b,0\n", "0 is no AphiaID"),
        ("key,name,aphia_id\na,b,99999999999\n", "is no AphiaID: 1…2147483647"),
        ("key,name,kind\na,b,dead\n", "'dead': allowed is living or non-living"),
        ("key,name\na,b\na,c\n", "line 3, column 'key': a is in line 2 already"),
        ("key,name,aphia_id\na,b,7\nc,d,7\n", "line 3, column 'aphia_id': 7 is in line 2 already"),
        ("key,name,aphia_id\na,b,1080\n", "1080 is that of 'copepod'"),
        ("key,name,parent\na,b,c\n", "line 2, column 'parent': 'c' is neither in the file nor"),
        ("key,name,parent\na,A,b\nb,B,a\n", "column 'parent': a circle: A in B in A"),
        ("key,name,parent\na,A,a\n", "a circle: A in A"),
        ("name\nLarvacea\n", "'Larvacea' is a synonym of 'appendicularian' here"),
        ("key,name,synonyms\na,A,Copepoda\n", "'Copepoda' would lead to 'a' and to 'copepod'"),
        ("key,name,synonyms\na,A,x\nb,B,X\n", "would lead to"),
        ("key,name,synonyms\na,A,fiber\n", "'fiber' would lead to"),
        ("name,parent\nx,\nx,\n", "line 3, column 'name': 'x' is in line 2, at the top as well"),
        ("name,rank\nCopepoda,\nCopepoda,\n", "line 3"),
        ("a\n    b\n  c\n", "line 3: indented by 2, where 0, 4 are open"),
        ("<script>alert(1)</script>\n", "has no name before its <"),
        ("a\0b\n", "line 1 has a NUL"),
        ("", "no taxa"),
        ("key,name\n", "no taxa"),
        (b"name\nM\xe9duse\n", "line 2 is not UTF-8"),
    ],
)  # fmt: skip
def test_mistakes_are_named_with_their_place(text: str | bytes, says: str) -> None:
    assert says in refused(text)


DWC = "taxonID,scientificName,parentNameUsageID,acceptedNameUsageID,taxonomicStatus\n"


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ("1,A,,,synonym\n", "column 'acceptedNameUsageID': the status is 'synonym', and no valid"),
        ("1,A,,9,synonym\n", "'9' is neither in the file nor"),
        ("1,A,,2,synonym\n2,B,,3,synonym\n3,C,,,accepted\n", "'2' is a synonym itself (line 3)"),
        ("1,A,,3,synonym\n3,C,,,accepted\n4,D,1,,accepted\n", "'1' is a synonym (line 2)"),
        ("1,A,2,,accepted\n", "line 2, column 'parentNameUsageID': '2' is neither"),
        ("1,A,,,\n1,B,,,\n", "line 3, column 'taxonID': 1 is in line 2 already"),
        ("1,,,,\n", "column 'scientificName': is empty"),
        ("1,A,,2,synonym\n2,A,,,accepted\n3,B,,2,synonym\n4,B,,1,\n", "is a synonym itself"),
    ],
)
def test_mistakes_in_darwin_core(rows: str, says: str) -> None:
    assert says in refused(DWC + rows)


def test_all_mistakes_are_named_at_once_up_to_a_number() -> None:
    said = refused("key,name\n" + "".join(f"A {n},x\n" for n in range(30)))
    assert said.startswith("f.csv: 30 mistakes, nothing was taken in\n  line 2, column 'key'")
    assert said.endswith("and 10 more")


def test_a_circle_with_what_is_here() -> None:
    text = "key,name,parent\ncrustacean,Crustacea,copepod\n"
    assert "with what is here a circle" in refused(text, update=True)


def test_a_name_that_several_have_needs_a_key() -> None:
    have = {key: Taxon(key=key, name="egg", parent=None) for key in ("egg-1", "egg-2")}
    assert "several taxa are called 'egg'" in refused("name,parent\nx,egg\n", have=have)


def test_script_in_a_table_is_a_name_like_any_other() -> None:
    (one,) = added("name\n<script>alert(1)</script>\n").values()
    assert (one.name, one.key) == ("<script>alert(1)</script>", "script-alert-1-script")


def test_files_that_are_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "MAX_ENTRIES", 3)
    assert "more than 3 lines" in refused("a\nb\nc\nd\n")


def test_a_file_that_is_not_there_or_no_file(tmp_path: Path) -> None:
    for path in (tmp_path / "no.csv", tmp_path):
        with pytest.raises(ConfigError, match="cannot be read"):
            read_file(path)


def test_a_format_can_be_asked_for() -> None:
    text = b"scientificName\nOithona\n"
    assert len(read_bytes(text, "f", Format.LIST).entries) == 2
    assert len(read_bytes(text, "f", Format.DARWIN_CORE).entries) == 1
    with pytest.raises(RejectedError, match="no column 'name'"):
        read_bytes(text, "f", Format.CSV)
    with pytest.raises(RejectedError, match="needs a first line"):
        read_bytes(b"Oithona\n", "f", Format.ECOTAXA)


def test_many_taxa_are_planned_in_seconds() -> None:
    lines = [f"{n},Taxon {n},{n // 10 if n else ''}" for n in range(5_000)]
    todo = planned("taxonID,scientificName,parentNameUsageID\n" + "\n".join(lines))
    assert len(todo.new) == 5_000
