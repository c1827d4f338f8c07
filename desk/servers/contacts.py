"""The ``contacts`` namespace: an address book in a local file."""

from typing import Annotated

from mcp.server.mcpserver import Context
from pydantic import BaseModel, Field

from desk.errors import OfficeError
from desk.files.ledger import Item, Ledger, fresh_id
from desk.servers.hosting import Setting, key_of, reads, serve, writes_once


class Contact(BaseModel):
    """One person of the address book."""

    id: str
    name: str
    email: str = ""
    phone: str = ""
    company: str = ""


class Contacts(BaseModel):
    """People by name."""

    count: int
    contacts: list[Contact]


class AddressBook:
    """The tools over one file of people."""

    def __init__(self, setting: Setting) -> None:
        self._ledger = Ledger(
            setting.roots.folders[0] / "Contacts" / "contacts.json", state=setting.state
        )

    @reads
    def list_contacts(self) -> Contacts:
        """List everybody in the address book, sorted by name."""
        return self._matching("")

    @reads
    def find_contact(
        self,
        query: Annotated[str, Field(min_length=1, description="Part of a name, mail or company")],
    ) -> Contacts:
        """Look up the mail address and phone number of a person or company."""
        return self._matching(query.casefold())

    @writes_once
    def add_contact(
        self,
        name: Annotated[str, Field(min_length=1, description="Full name")],
        context: Context,
        email: Annotated[str, Field(description="Mail address")] = "",
        phone: Annotated[str, Field(description="Phone number")] = "",
        company: Annotated[str, Field(description="Company")] = "",
    ) -> Contact:
        """Add a person to the address book."""
        if email and "@" not in email:
            raise OfficeError(f"{email!r} is not a mail address.", hint="Write name@example.com.")

        def add(items: list[Item]) -> Item:
            contact = Contact(
                id=fresh_id(items, "c"), name=name, email=email, phone=phone, company=company
            )
            items.append(contact.model_dump())
            return contact.model_dump()

        return Contact(**self._ledger.change(key_of(context), add))

    def _matching(self, query: str) -> Contacts:
        people = [Contact(**item) for item in self._ledger.items()]
        found = [
            person
            for person in people
            if query in f"{person.name} {person.email} {person.company}".casefold()
        ]
        found.sort(key=lambda person: (person.name.casefold(), person.id))
        return Contacts(count=len(found), contacts=found)


if __name__ == "__main__":
    serve("contacts", "Look up and add people in the local address book.", AddressBook)
