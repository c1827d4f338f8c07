"""Everyday words for the same thing, so that a request meets a tool that says it otherwise.

General English about computers, offices and the web, written by hand as common knowledge. It was
not written blind: its author had read the development part of the LocalCowork queries, so what it
adds on those sets is an upper bound until it is measured on queries kept apart. A word may stand
in several groups. A group is a list of single words
in lower case; the first is no better than the others.
"""

from collections.abc import Iterable, Mapping

GROUPS = """
copy duplicate backup clone replicate
delete remove trash erase discard clear drop
move rename relocate transfer
rename retitle
create make new add generate build compose
add insert append attach include
show display view list see present
list enumerate show browse
find search locate lookup seek discover query
get fetch retrieve obtain read lookup
read open load view
open launch start run
write save store put record
edit modify update change alter adjust set
set configure change
send mail deliver post
schedule book arrange plan reserve block
compare diff difference differences changes versus
merge combine join concatenate consolidate unite
split divide separate
convert transform export turn
translate translation language
summarize summary overview recap digest brief summarise
extract pull parse scrape
recognize detect identify ocr
transcribe transcript dictation transcription
encrypt protect lock secure
decrypt unlock
compress zip archive pack
decompress unzip extract unpack
upload push publish
download fetch pull save
check verify validate test inspect
count number total how-many
calculate compute work-out evaluate
sort order rank
filter select narrow
monitor watch track
undo revert restore rollback
cancel abort stop
stop end kill terminate halt
run execute start launch perform
install setup add
reply respond answer
remind reminder alert notify notification
share send publish
analyze analyse analysis examine study
visualize plot chart graph draw diagram
suggest recommend recommendation propose
explain describe description
classify categorize label tag
clean tidy cleanup deduplicate
duplicate duplicates deduplicate dedupe repeated
print output
play listen stream
log history record audit trail
browse navigate visit go
click press tap
fill complete enter form
folder directory path
file document
document doc docx word paper report
picture image photo screenshot scan photograph png jpg jpeg
text words content
email mail message inbox
message chat text
thread conversation chain exchange
draft compose write
meeting event appointment call session
event appointment calendar meeting
calendar schedule agenda
task todo item to-do
reminder task alarm
deadline due overdue late
free available availability slot open
recording audio sound voice
video clip movie film footage
music song track audio
spreadsheet sheet excel csv xlsx table
table spreadsheet grid rows
csv spreadsheet dataset
data dataset records
record row entry
database sql sqlite db table
note memo notes
minutes notes protocol
contact person people address
password secret credential credentials
personal private sensitive pii confidential
anomaly anomalies outlier outliers unusual irregular inconsistency
information details info facts
knowledge documents notes
clipboard paste copied
computer system machine device
app application program software
process processes task
memory ram
disk storage drive space
screen display monitor
brightness backlight
volume sound loudness
settings preferences configuration options
battery power energy
network internet wifi connection
web website page site url link internet
url link address
browser web page
map location place position
location address place where coordinates
coordinates latitude longitude geocode
directions route navigation path way
near nearby close around
restaurant food dining eat
hotel accommodation stay lodging
flight plane airline ticket
train railway rail ticket
trip travel journey vacation
weather forecast temperature climate
news headlines article articles
article paper publication
paper papers research study academic scholar
book novel
movie film
price cost quote rate
stock share ticker equity
money currency exchange
company business firm
product item goods
shop store buy purchase
job work career vacancy
code source program
repository repo project git github
commit change revision
issue bug ticket
branch version
package library module dependency
recipe dish cook meal
exercise workout fitness training
health medical medicine
game games play
question answer ask
definition meaning dictionary
time clock hour
date day calendar
timezone time zone
today now current
recent latest new last
expense expenses cost spending
invoice bill receipt
budget finance money
user account profile person
member team colleague
comment remark note feedback
review rating opinion
""".strip().splitlines()


def _neighbours(groups: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Turn groups into the neighbours of each word, those of its earlier groups first."""
    found: dict[str, dict[str, None]] = {}
    for group in groups:
        members = group.split()
        for word in members:
            found.setdefault(word, {}).update(dict.fromkeys(members))
    return {
        word: tuple(other for other in others if other != word) for word, others in found.items()
    }


NEIGHBOURS: Mapping[str, tuple[str, ...]] = _neighbours(GROUPS)
