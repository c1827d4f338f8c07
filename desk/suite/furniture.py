"""What the common office of all cases holds beside the sample office."""

from collections.abc import Mapping

FILES: Mapping[str, str] = {
    "Accounts/invoices 2025.csv": (
        "number,vendor,amount,paid\n"
        "2025-101,Northwind Paper,412.50,yes\n"
        "2025-102,Bluebird Energy,96.00,no\n"
        "2025-103,Acme Supplies,1280.00,no\n"
        "2025-104,Harbor Foods,233.10,yes\n"
    ),
    "Accounts/payment terms.md": (
        "# Payment terms\n\n## Customers\n\nCustomers pay within 21 days.\n\n"
        "## Suppliers\n\nWe pay suppliers within 14 days.\n"
    ),
    "Accounts/Archive/closing 2024.txt": "The books of 2024 were closed on 2025-01-20.\n",
    "Documents/Travel policy.md": (
        "# Travel policy\n\n## Trains\n\nSecond class is booked for trips under four hours.\n\n"
        "## Hotels\n\nA night may cost 140 euros.\n\n## Meals\n\nThe daily rate is 32 euros.\n"
    ),
    "Documents/Offer Summit Telecom.docx": (
        "Offer of Summit Telecom\nTwelve lines at 18 euros a month.\nValid until 2026-04-30.\n"
    ),
    "Documents/Archive/handbook 2019.txt": "Handbook of 2019. Replaced in 2022.\n",
    "Downloads/boarding pass.txt": "Flight KL1234, seat 14C, gate B7, boarding 07:45.\n",
    "Downloads/price list.csv": "article,price\nlamp,39.90\nchair,120.00\ndesk,310.00\n",
    "Downloads/readme.txt": "Unpack the archive and open index.html.\n",
    "Downloads/readme (1).txt": "Unpack the archive and open index.html.\n",
    "Inbox/letter from the landlord.txt": (
        "The rent rises to 1260 euros on 2026-07-01.\nKind regards, A. Berg\n"
    ),
    "Inbox/delivery note.txt": "Delivery 7781: 40 chairs, 2 shelves. Received by Leila.\n",
}

PICTURES: Mapping[str, tuple[str, ...]] = {
    "Pictures/whiteboard.png": ("Launch plan", "Beta in April", "Launch on 12 May"),
    "Pictures/parking sign.png": ("Parking", "Level 3, bay 117"),
}
