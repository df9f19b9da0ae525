/** The HTML document around the sections: style for screen, phone and paper; nothing is fetched. */
import { type Content, html, Markup } from './html.js';

// A policy that forbids every request, so that a report opened from anywhere stays self-contained.
const policy = "default-src 'none'; style-src 'unsafe-inline'";

const style = `
:root{--ink:#1f2933;--faint:#52606d;--line:#d9e0e7;--soft:#f5f7fa;--main:#0b61a4;--warn:#8a4b00;--warn-bg:#fff7e8}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;color:var(--ink);background:#fff;font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
main,header,footer{max-width:1120px;margin:0 auto;padding:0 16px}
header{padding-top:20px}
h1{font-size:1.7rem;line-height:1.2;margin:0 0 .4rem;overflow-wrap:anywhere}
h2{font-size:1.3rem;line-height:1.25;margin:2.4rem 0 .6rem;padding-top:.8rem;border-top:1px solid var(--line)}
h3{font-size:1.05rem;margin:1.4rem 0 .4rem;overflow-wrap:anywhere}
p{margin:.4rem 0 .8rem;max-width:84ch}
main ul{padding-left:1.3rem;max-width:84ch}
main li{margin:.25rem 0;overflow-wrap:anywhere}
.headline{font-size:1.15rem;line-height:1.45;font-weight:600;max-width:none}
.verdict,.note{color:var(--faint)}
.warnings{margin:1rem 0;padding:.6rem 1rem .6rem 2rem;background:var(--warn-bg);border-left:4px solid #d98200;list-style:disc}
.warnings li{margin:.25rem 0;overflow-wrap:anywhere}
.warnings strong{color:var(--warn)}
nav ul{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;list-style:none;margin:1rem 0 0;padding:.5rem 0;border-top:1px solid var(--line)}
nav a{display:inline-block;padding:.25rem 0}
a{color:var(--main)}
.scroll{overflow-x:auto;margin:.4rem 0 1rem}
.scroll:focus-visible,summary:focus-visible,a:focus-visible{outline:2px solid var(--main);outline-offset:2px}
table{border-collapse:collapse;font-size:.875rem;line-height:1.35;font-variant-numeric:tabular-nums}
caption{text-align:left;max-width:calc(100vw - 24px);color:var(--faint);padding:.2rem 0 .4rem;font-size:.8125rem}
td{white-space:nowrap}
th,td{padding:.35rem .7rem;text-align:right;vertical-align:top;border-bottom:1px solid var(--line)}
th:first-child,td:first-child{text-align:left;padding-left:0}
thead th{font-weight:600;vertical-align:bottom;border-bottom:2px solid var(--line)}
tbody th{font-weight:500;max-width:36ch;overflow-wrap:break-word}
.words td,.words th{text-align:left;white-space:normal}
.words tbody th{max-width:70ch}
.sentences tbody th{min-width:11rem;max-width:60ch}
tr.group th{padding-top:.9rem;font-weight:600}
.ci,.sub{display:block;color:var(--faint);font-size:.8125rem;font-weight:400;white-space:nowrap}
.none{color:var(--warn);white-space:normal;display:inline-block;max-width:22ch;text-align:left}
.gallery{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,320px),1fr));gap:1rem 1.6rem;align-items:start}
.gallery>.wide{grid-column:1/-1}
figure{margin:0;min-width:0}
figcaption{font-size:.875rem;line-height:1.35;color:var(--faint);overflow-wrap:anywhere}
figcaption strong{display:block;color:var(--ink)}
.chart svg{display:block;width:100%;max-width:calc(1.15*var(--natural));height:auto}
.wide .chart{overflow-x:auto}
.wide .chart svg{width:var(--natural);max-width:none}
svg text{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
.key>span{margin-right:.6rem}
details{font-size:.8125rem}
summary{cursor:pointer;color:var(--main);padding:.25rem 0;font-size:.8125rem}
.confusion td,.confusion th{text-align:center;padding:.3rem .6rem}
.confusion td{min-width:5.5rem;border:1px solid #fff}
pre{background:var(--soft);padding:.8rem;overflow-x:auto;font-size:.8125rem;line-height:1.4;tab-size:2}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1rem;font-size:.875rem;margin:.4rem 0 1rem}
dt{color:var(--faint)}dd{margin:0;overflow-wrap:anywhere}
footer{margin-top:2rem;padding-bottom:2rem;color:var(--faint);font-size:.8125rem}
@media(max-width:560px){
 h1{font-size:1.4rem}.headline{font-size:1.05rem}main,header,footer{padding-left:12px;padding-right:12px}
 .minor{display:none}th,td{padding:.35rem .4rem}.ci,.sub{font-size:.75rem}
 .scroll tbody th{position:sticky;left:0;background:#fff;max-width:9.5rem}.sentences tbody th{position:static;max-width:14rem}
 dl{grid-template-columns:1fr}dd{margin-bottom:.3rem}
}
@media print{
 @page{margin:14mm}
 body{font-size:10pt}main,header,footer{max-width:none;padding:0}
 nav,details{display:none}h2{break-after:avoid}h3{break-after:avoid}
 figure,tr,.warnings,.keep{break-inside:avoid}
 .gallery{grid-template-columns:1fr 1fr}.scroll,.wide .chart{overflow:visible}
 .wide .chart svg{max-width:100%;height:auto}
 pre{white-space:pre-wrap;background:none;padding:0;columns:2;font-size:7pt}table{font-size:7.5pt}.ci,.sub,caption{font-size:6.5pt}th,td{padding:.15rem .3rem}a{color:inherit;text-decoration:none}
}
`.trim();

/** A part of the report with a heading and a place in the contents. */
export interface Section {
  /** Unique on the page. */
  readonly id: string;
  readonly title: string;
  readonly body: Content;
}

/** A whole HTML document. */
export function page(title: string, header: Content, sections: readonly Section[], footer: Content): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="color-scheme" content="light">
<title>${title}</title>
<style>${new Markup(style)}</style>
</head>
<body>
<header>${header}
<nav aria-label="Contents"><ul>${sections.map((part) => html`<li><a href="#${part.id}">${part.title}</a></li>`)}</ul></nav></header>
<main>
${sections.map(
  ({ id, title: heading, body }) =>
    html`<section id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${heading}</h2>
${body}</section>
`,
)}</main>
<footer>${footer}</footer>
</body>
</html>
`.text;
}
