"""How the page of a report looks, by day and by night, down to 400 pixels."""

CSS = """
:root { color-scheme: light dark; --ink: #1f2933; --ground: #f6f7f9; --card: #ffffff;
  --line: #d5dbe1; --soft: #52606d; --good: #00664b; --bad: #a63c00; --link: #00588a; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6eaee; --ground: #14181d; --card: #1d232a; --line: #38424d; --soft: #a7b3bf;
    --good: #5fd3ad; --bad: #ff9d6b; --link: #79c3ef; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0.5rem 0; }
h2 { font-size: 1.25rem; margin: 2.2rem 0 0.6rem; scroll-margin-top: 1rem; }
p { max-width: 75ch; }
nav { display: flex; flex-wrap: wrap; gap: 0.3rem 1rem; padding: 0.5rem 0; }
a { color: var(--link); }
pre { background: var(--card); border: 1px solid var(--line); border-radius: 6px;
  padding: 0.6rem 0.8rem; overflow-x: auto; font-size: 0.85rem; }
.notes { color: var(--soft); padding-left: 1.2rem; }
.none { color: var(--soft); }
figure { margin: 0 0 1.4rem; max-width: 780px; }
figcaption, caption, summary { font-weight: 600; text-align: left; padding: 0.5rem 0; }
caption { caption-side: top; position: sticky; left: 0; }
summary { cursor: pointer; }
figure .scroll { background: #ffffff; }
figure svg { display: block; width: 100%; min-width: 560px; height: auto; }
.scroll { overflow: auto; max-height: 75vh; border: 1px solid var(--line); border-radius: 6px;
  background: var(--card); margin-bottom: 1.2rem; }
.scroll:focus-visible { outline: 2px solid var(--link); }
table { border-collapse: separate; border-spacing: 0; font-size: 0.85rem; width: 100%;
  font-variant-numeric: tabular-nums; }
caption { padding: 0.5rem 0.6rem; }
th, td { text-align: left; vertical-align: top; padding: 0.35rem 0.6rem;
  border-bottom: 1px solid var(--line); }
td { white-space: nowrap; }
.ablations td:last-child, .reasons td:last-child, .failed td:last-child {
  white-space: normal; min-width: 16rem; }
tbody th { font-weight: 500; white-space: nowrap; }
.criteria tbody th { white-space: normal; min-width: 12rem; }
figcaption span { font-weight: 400; color: var(--soft); }
thead th { position: sticky; top: 0; background: var(--card); color: var(--soft);
  border-bottom: 2px solid var(--line); }
tbody tr:hover > * { background: color-mix(in srgb, var(--link) 8%, transparent); }
td.met { color: var(--good); font-weight: 600; }
td.not-met { color: var(--bad); font-weight: 600; }
"""
