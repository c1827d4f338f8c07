"""The other namespaces do what their descriptions say, over a made office."""

from types import SimpleNamespace

import pytest

from desk.errors import OfficeError
from desk.files.roots import Roots
from desk.samples import make_office
from desk.servers.calendar import Calendar
from desk.servers.clipboard import Clipboard
from desk.servers.contacts import AddressBook
from desk.servers.data import Data
from desk.servers.document import Documents
from desk.servers.email import Mail
from desk.servers.hosting import KEY_META, Setting, server_of
from desk.servers.knowledge import Knowledge
from desk.servers.system import System
from desk.servers.task import TaskList


def call(key=None):
    return SimpleNamespace(request_context=SimpleNamespace(meta={KEY_META: key} if key else None))


@pytest.fixture
def office(tmp_path):
    return make_office(tmp_path / "office", seed=1, screenshots=0)


@pytest.fixture
def setting(tmp_path, office):
    (tmp_path / "state").mkdir()
    return Setting(Roots.of([office.root]), tmp_path / "state")


def test_an_event_is_created_once_listed_changed_and_cancelled(setting):
    calendar = Calendar(setting)
    before = calendar.list_events().count
    times = ("2026-05-01T10:00", "2026-05-01T11:00")
    event = calendar.create_event("Review", *times, call("k"))
    assert calendar.create_event("Review", *times, call("k")) == event
    assert calendar.list_events("2026-05-01", "2026-05-01").events == [event]
    changed = calendar.update_event(event.id, call(), location="Room 2")
    assert (changed.location, changed.title) == ("Room 2", "Review")
    slots = calendar.find_free_slots("2026-05-01").slots
    assert [(slot.start[11:], slot.minutes) for slot in slots] == [("09:00", 60), ("11:00", 360)]
    calendar.cancel_event(event.id, call("c"))
    calendar.cancel_event(event.id, call("c"))
    assert calendar.list_events().count == before


def test_an_event_that_ends_before_it_starts_is_refused(setting):
    with pytest.raises(OfficeError, match="not after"):
        Calendar(setting).create_event("x", "2026-05-01T10:00", "2026-05-01T09:00", call())
    with pytest.raises(OfficeError, match="ISO 8601"):
        Calendar(setting).list_events("tomorrow")


def test_a_task_becomes_overdue_and_done(setting):
    tasks = TaskList(setting)
    task = tasks.create_task("Call", call("k"), due="2020-01-01", priority="high")
    assert tasks.create_task("Call", call("k"), due="2020-01-01", priority="high") == task
    assert tasks.get_overdue_tasks(today="2020-02-01").tasks == [task]
    assert tasks.update_task(task.id, call(), title="Call back").title == "Call back"
    assert tasks.complete_task(task.id, call()).status == "done"
    assert tasks.get_overdue_tasks(today="2020-02-01").count == 0
    with pytest.raises(OfficeError, match="Known ids"):
        tasks.complete_task("none", call())


def test_a_damaged_file_of_records_is_named_and_kept(setting, office):
    path = office.root / "Tasks" / "tasks.json"
    path.write_text("{broken")
    with pytest.raises(OfficeError, match=r"tasks\.json.*damaged"):
        TaskList(setting).list_tasks()
    assert path.read_text() == "{broken"


def test_people_are_found_and_added_once(setting):
    book = AddressBook(setting)
    before = book.list_contacts().count
    for _ in range(2):
        person = book.add_contact("Ada Berg", call("k"), email="ada@example.com")
    assert book.find_contact("ada@").contacts == [person]
    assert book.list_contacts().count == before + 1
    with pytest.raises(OfficeError, match="not a mail address"):
        book.add_contact("x", call(), email="nobody")


def test_the_clipboard_keeps_a_history(setting):
    clipboard = Clipboard(setting)
    assert clipboard.get_clipboard().text == ""
    for text in ("one", "two"):
        clipboard.set_clipboard(text, call())
    assert clipboard.get_clipboard().text == "two"
    assert [clip.text for clip in clipboard.list_clipboard_history().clips] == ["two", "one"]


def test_a_draft_is_written_once_and_can_be_discarded(setting):
    mail = Mail(setting)
    assert mail.list_messages().count == 4
    drafts = [mail.draft_email("a@example.com", "Hi", "Dear Ä", call("k")) for _ in range(2)]
    assert drafts[0] == drafts[1]
    assert mail.list_messages("drafts").count == 1
    assert mail.read_message(drafts[0].id, "drafts").text.strip() == "Dear Ä"
    assert mail.search_messages("dear", "drafts").count == 1
    assert mail.discard_draft(drafts[0].id).count == 0
    assert mail.discard_draft(drafts[0].id).count == 0


def test_mail_refuses_bad_heads_and_unknown_ids(setting):
    mail = Mail(setting)
    with pytest.raises(OfficeError, match="not a mail address"):
        mail.draft_email("nobody", "Hi", "x", call())
    with pytest.raises(OfficeError, match="line break"):
        mail.draft_email("a@example.com", "Hi\nBcc: b@example.com", "x", call())
    with pytest.raises(OfficeError, match="list_messages"):
        mail.read_message("none")


def test_looking_at_a_foreign_folder_leaves_nothing_behind(tmp_path):
    folder, state = tmp_path / "mine", tmp_path / "state"
    folder.mkdir()
    state.mkdir()
    setting = Setting(Roots.of([folder]), state)
    knowledge = Knowledge(setting)
    assert Mail(setting).list_messages().count == 0
    assert Calendar(setting).list_events().count == 0
    assert knowledge.list_notes().count == 0
    assert knowledge.search_notes("x").count == 0
    knowledge.close()
    assert list(folder.iterdir()) == []


def test_notes_are_found_by_their_words(setting):
    knowledge = Knowledge(setting)
    hits = knowledge.search_notes('networks "guest')
    assert hits.hits[0].title == "Office wifi"
    assert "[network]" in hits.hits[0].excerpt
    note = knowledge.add_note("Coffee/tea", "The machine is on floor 2.", call("k"))
    assert knowledge.add_note("Coffee/tea", "The machine is on floor 2.", call("k")) == note
    assert knowledge.search_notes("machine").hits[0].path == note.path
    assert "floor 2" in knowledge.read_note(note.path).text
    assert knowledge.search_notes("?!").count == 0
    knowledge.close()


def test_documents_are_read_measured_and_compared(setting, office):
    documents = Documents(setting)
    contract = str(office.root / "Documents" / "Service contract.docx")
    minutes = str(office.root / "Documents" / "meeting minutes.md")
    assert "twelve months" in documents.read_document(contract).text
    assert documents.count_words(contract).words > 10
    assert [h.level for h in documents.get_outline(minutes).headings] == [1, 2]
    assert documents.find_in_document(minutes, "CHAIRS").passages[0].line == 5
    assert documents.compare_documents(minutes, minutes).same
    assert not documents.compare_documents(minutes, contract).same
    documents.close()


def test_documents_are_converted_and_merged_without_overwriting(setting, office):
    documents = Documents(setting)
    minutes = str(office.root / "Documents" / "meeting minutes.md")
    first, again = (documents.convert_document(minutes, "html", call("k")) for _ in range(2))
    assert first == again
    assert "<h2>Decisions</h2>" in (office.root / "Documents" / "meeting minutes.html").read_text()
    merged = documents.merge_documents(
        [minutes, str(office.desktop / "notes.txt")], str(office.desktop / "all.txt"), call()
    )
    assert "Call" in (office.desktop / "all.txt").read_text()
    assert merged.path == str(office.desktop / "all.txt")
    documents.close()


def test_a_file_that_only_claims_to_be_a_word_document_is_refused(setting, office):
    (office.desktop / "fake.docx").write_text("no zip")
    documents = Documents(setting)
    with pytest.raises(OfficeError, match="Word document"):
        documents.read_document(str(office.desktop / "fake.docx"))
    documents.close()


def test_tables_are_summarised_filtered_and_converted(setting, office):
    data = Data(setting)
    path = str(office.root / "Data" / "sales.csv")
    summary = data.summarize_csv(path)
    assert (summary.rows, summary.columns[3].type, summary.columns[1].type) == (
        40,
        "number",
        "text",
    )
    chairs = data.filter_csv(path, "product", "equals", "Chair")
    assert all(row[2] == "chair" for row in chairs.rows)
    many = data.filter_csv(path, "quantity", "greater_than", "5")
    assert all(int(row[3]) > 5 for row in many.rows)
    assert data.csv_to_json(path, call()).rows == 40
    with pytest.raises(OfficeError, match="Columns: day"):
        data.filter_csv(path, "nothing", "equals", "x")
    with pytest.raises(OfficeError, match="not a number"):
        data.filter_csv(path, "quantity", "less_than", "x")
    assert data.read_csv(path, limit=3).truncated
    data.close()


def test_a_database_is_described_and_queried_but_never_changed(setting, office):
    data = Data(setting)
    path = str(office.root / "Data" / "office.db")
    assert data.list_tables(path).tables == ["sales", "suppliers"]
    assert data.describe_table(path, "suppliers").rows == 5
    found = data.query_database(path, "SELECT count(*) AS n FROM sales")
    assert (found.columns, found.rows) == (["n"], [[40]])
    for query in ("DELETE FROM sales", "ATTACH '/etc/x' AS x", "SELEC 1", "SELECT 1; SELECT 2"):
        with pytest.raises(OfficeError, match="database refused"):
            data.query_database(path, query)
    with pytest.raises(OfficeError, match="not a SQLite"):
        data.list_tables(str(office.desktop / "notes.txt"))
    with pytest.raises(OfficeError, match="Tables: sales"):
        data.describe_table(path, "missing")
    data.close()


def test_the_machine_is_described(setting, office):
    system = System(setting)
    assert system.get_system_info().cpu_count >= 1
    assert system.get_disk_usage(str(office.root)).total > 0
    assert 0 <= system.get_memory_usage().percent_used <= 100
    assert system.list_processes(limit=1).processes[0].memory > 0


@pytest.mark.anyio
async def test_designed_errors_reach_the_client_and_tools_are_annotated(setting):
    server = server_of("system", "x", System(setting))
    tools = await server.list_tools()
    assert all(tool.annotations.read_only_hint for tool in tools)
    with pytest.raises(Exception, match="outside the allowed folders"):
        await server.call_tool("get_disk_usage", {"path": "/etc"})
