/** The look of the page: light and dark as the system has it, one column on a phone, paper without the contents. */
export const PAGE_STYLE = `
:root {
  color-scheme: light dark;
  --ground: #fbfbfa; --raised: #ffffff; --sunk: #f1f2f4; --line: #d9dce1; --text: #1c2128; --dim: #5a6472; --link: #0a5bb5;
  --green: #116932; --green-ground: #dcf3e3; --blue: #0a4f9e; --blue-ground: #dfecfb; --red: #a01d20; --red-ground: #fbe3e2;
  --amber: #7a4a00; --amber-ground: #fbecd0; --key: #0a4f9e; --string: #116932; --number: #8a2c6d;
  --mono: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #14171c; --raised: #1b1f26; --sunk: #10131a; --line: #333a45; --text: #e4e7ec; --dim: #9ca6b5; --link: #7db7ff;
    --green: #7fdc9d; --green-ground: #143322; --blue: #8ec1ff; --blue-ground: #14304f; --red: #ff9d98; --red-ground: #471d20;
    --amber: #f3c373; --amber-ground: #40300f; --key: #8ec1ff; --string: #8fdca8; --number: #f0a3d4;
  }
}
* { box-sizing: border-box; }
html { scroll-padding-top: 4.5rem; -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--ground); color: var(--text); font: 1rem/1.6 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; }
a { color: var(--link); text-underline-offset: .15em; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; border-radius: 3px; }
code, pre { font-family: var(--mono); font-size: .875em; }
:not(pre) > code { overflow-wrap: anywhere; }
p code, li code, td code, dd code { background: var(--sunk); border-radius: 4px; padding: .1em .3em; }
a code { color: inherit; }
pre code { font-size: inherit; }
nav code { background: none; padding: 0; }
.skip { position: absolute; left: -100vw; top: 0; z-index: 3; background: var(--raised); padding: .75rem 1rem; }
.skip:focus { left: 0; }
header { position: sticky; top: 0; z-index: 2; display: flex; justify-content: space-between; align-items: center; gap: 1rem; padding: .6rem 1.5rem; background: var(--raised); border-bottom: 1px solid var(--line); }
header p { margin: 0; }
.name { font-size: 1.05rem; }
.version { color: var(--dim); font-size: .85rem; margin-left: .25rem; }
.layout { display: grid; grid-template-columns: 17.5rem minmax(0, 1fr); max-width: 96rem; margin: 0 auto; }
nav { position: sticky; top: 3.1rem; align-self: start; max-height: calc(100vh - 3.1rem); overflow-y: auto; padding: 1rem .75rem 2rem 1.5rem; border-right: 1px solid var(--line); font-size: .9rem; }
nav summary { display: none; }
nav p { margin: 1.1rem 0 .3rem; padding-left: .5rem; font-size: .75rem; font-weight: 600; letter-spacing: .06em; text-transform: uppercase; color: var(--dim); }
nav ul { list-style: none; margin: 0; padding: 0; }
nav a { display: flex; gap: .5rem; align-items: center; padding: .28rem .5rem; border-radius: 6px; color: var(--text); text-decoration: none; }
nav a:hover { background: var(--sunk); }
nav a[aria-current] { background: var(--blue-ground); color: var(--blue); }
nav .method { min-width: 3.6rem; font-size: .65rem; }
main { padding: 1.5rem 2.5rem 6rem; min-width: 0; }
main > p, main > ul { max-width: 46rem; }
h1 { font-size: 2rem; line-height: 1.2; margin: .5rem 0 .25rem; letter-spacing: -.01em; }
h2 { font-size: 1.45rem; line-height: 1.3; margin: 3rem 0 .75rem; padding-top: 1.25rem; border-top: 1px solid var(--line); }
h3 { font-size: 1.2rem; margin: 0 0 .35rem; }
h4 { font-size: .95rem; margin: 1.75rem 0 .5rem; }
.lead { font-size: 1.15rem; color: var(--dim); margin-top: 0; }
.operation { margin: 1.5rem 0 2rem; padding: 1.25rem 1.5rem; background: var(--raised); border: 1px solid var(--line); border-radius: 12px; }
.columns { display: grid; grid-template-columns: minmax(0, 1.1fr) minmax(0, 1fr); gap: 2rem; }
.route { margin: 0 0 .5rem; display: flex; flex-wrap: wrap; gap: .6rem; align-items: center; }
.route code { font-size: 1rem; background: none; padding: 0; }
.method { display: inline-block; min-width: 4.4rem; padding: .12rem .4rem; border-radius: 5px; text-align: center; font: 700 .75rem/1.5 var(--mono); letter-spacing: .03em; }
.get { color: var(--blue); background: var(--blue-ground); }
.post { color: var(--green); background: var(--green-ground); }
.put, .patch { color: var(--amber); background: var(--amber-ground); }
.delete { color: var(--red); background: var(--red-ground); }
.open, .place, .type, .limits, .note { color: var(--dim); font-size: .85rem; }
.open { border: 1px solid var(--line); border-radius: 999px; padding: 0 .6rem; }
.required { color: var(--red); font-size: .8rem; font-weight: 600; }
.fields { margin: .5rem 0; }
.fields dt { padding-top: .65rem; border-top: 1px solid var(--line); }
.fields dt:first-child { border-top: 0; }
.fields dt > code { font-weight: 600; background: none; padding: 0; }
.fields dd { margin: .15rem 0 .65rem; }
.fields dd p { margin: .15rem 0; font-size: .93rem; }
.limits { list-style: none; margin: .15rem 0; padding: 0; display: flex; flex-wrap: wrap; gap: .1rem 1rem; }
.limits code { overflow-wrap: anywhere; }
.limits details { margin: 0; }
.limits summary { padding: 0; }
.choices { list-style: none; padding-left: 0; margin: .25rem 0; }
.choices > li { margin: .35rem 0; }
details details, dd details { margin: .4rem 0; }
summary { cursor: pointer; padding: .3rem .2rem; border-radius: 6px; }
summary:hover { background: var(--sunk); }
dd > details > summary, li > details > summary { font-size: .88rem; color: var(--link); }
details > .fields, details > .choices { margin-left: .35rem; padding-left: 1rem; border-left: 2px solid var(--line); }
.answer { border-top: 1px solid var(--line); padding: .3rem 0; }
.answer > summary { display: flex; gap: .7rem; align-items: baseline; }
.answer > summary::before { content: "▸"; color: var(--dim); }
.answer[open] > summary::before { content: "▾"; }
.answer summary code { background: none; padding: 0; }
.status { flex: none; font: 700 .85rem/1.6 var(--mono); border-radius: 5px; padding: 0 .45rem; }
.s2, .s3 { color: var(--green); background: var(--green-ground); }
.s4 { color: var(--amber); background: var(--amber-ground); }
.s5 { color: var(--red); background: var(--red-ground); }
.entry { border-bottom: 1px solid var(--line); padding: .3rem 0; }
.entry > .fields { margin-left: 0; padding-left: 0; border-left: 0; }
.entry > summary code { font-weight: 600; }
.entry > summary span { color: var(--dim); }
.code { margin: .6rem 0 1rem; border: 1px solid var(--line); border-radius: 9px; overflow: hidden; background: var(--sunk); max-width: 60rem; }
.code figcaption { display: flex; justify-content: space-between; align-items: center; gap: 1rem; padding: .3rem .4rem .3rem .9rem; font-size: .85rem; color: var(--dim); border-bottom: 1px solid var(--line); }
.code pre { margin: 0; padding: .8rem .9rem; overflow: auto; max-height: 32rem; line-height: 1.5; tab-size: 2; }
.code pre:focus-visible { outline-offset: -3px; }
.copy { font: inherit; color: var(--text); background: var(--raised); border: 1px solid var(--line); border-radius: 6px; padding: .15rem .7rem; min-height: 1.9rem; cursor: pointer; }
.copy:hover { border-color: var(--link); }
.k { color: var(--key); } .s { color: var(--string); } .n { color: var(--number); }
.calls { position: sticky; top: 3.6rem; align-self: start; max-height: calc(100vh - 4rem); overflow-y: auto; }
.calls h4 { margin-top: .75rem; }
.choice > summary { font-size: .9rem; color: var(--link); }
.choice[open] > summary { color: var(--text); }
table { border-collapse: collapse; width: 100%; max-width: 60rem; margin: 1rem 0; font-size: .93rem; }
th, td { text-align: left; vertical-align: top; padding: .5rem .75rem .5rem 0; border-bottom: 1px solid var(--line); }
th { font-size: .8rem; color: var(--dim); }
td code { white-space: nowrap; }
.live { position: fixed; bottom: 1rem; right: 1rem; margin: 0; padding: .6rem 1rem; border-radius: 8px; background: var(--text); color: var(--ground); font-size: .9rem; }
.live:empty { display: none; }
@media (max-width: 80rem) { .columns { grid-template-columns: minmax(0, 1fr); gap: 0; } .calls { position: static; max-height: none; } }
@media (max-width: 60rem) {
  .layout { display: block; }
  nav { position: static; max-height: none; border-right: 0; border-bottom: 1px solid var(--line); padding: .5rem 1rem; }
  nav summary { display: list-item; font-weight: 600; padding: .5rem .2rem; }
  nav a { padding: .5rem; }
  main { padding: 1rem 1rem 4rem; }
  header { padding: .6rem 1rem; }
  h1 { font-size: 1.6rem; }
  .operation { padding: 1rem; margin-left: -.5rem; margin-right: -.5rem; }
  thead { position: absolute; left: -100vw; }
  tr { display: block; padding: .5rem 0; border-bottom: 1px solid var(--line); }
  td { display: block; padding: .1rem 0; border: 0; }
  td:nth-child(-n+2) { display: inline-block; margin-right: .5rem; }
  td:nth-child(n+4)::before { content: attr(data-name) ": "; color: var(--dim); }
}
@media print { nav, .copy, .skip, header { display: none; } .layout { display: block; } .code pre { max-height: none; white-space: pre-wrap; } }
`;
