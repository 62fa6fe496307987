/**
 * What the page does beyond HTML: copies examples, opens what a link leads to, folds the contents on a phone and marks
 * where the reader is. Without it everything can still be read.
 */
export const PAGE_SCRIPT = `
const live = document.querySelector('.live');
const say = text => { live.textContent = ''; requestAnimationFrame(() => { live.textContent = text; }); };

document.addEventListener('click', async event => {
  const button = event.target.closest('.copy');
  if (!button) return;
  const code = button.closest('figure').querySelector('code');
  try {
    await navigator.clipboard.writeText(code.textContent);
    button.textContent = 'Copied';
    say('Copied');
    setTimeout(() => { button.textContent = 'Copy'; }, 2000);
  } catch {
    // Over plain http a browser gives no clipboard: the text is selected, and one key copies it.
    getSelection().selectAllChildren(code);
    say('Selected. Press Ctrl+C or Command+C to copy.');
  }
});

const openTarget = () => {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  for (let part = target; part; part = part.parentElement) if (part.tagName === 'DETAILS') part.open = true;
  target.scrollIntoView();
};
addEventListener('hashchange', openTarget);
openTarget();

const contents = document.querySelector('nav details');
const narrow = matchMedia('(max-width: 60rem)');
const fold = () => { contents.open = !narrow.matches; };
narrow.addEventListener('change', fold);
fold();
contents.addEventListener('click', event => { if (narrow.matches && event.target.closest('a')) contents.open = false; });

const links = new Map([...document.querySelectorAll('nav a')].map(link => [link.hash.slice(1), link]));
const visible = new IntersectionObserver(entries => {
  const entry = entries.find(one => one.isIntersecting);
  if (!entry) return;
  for (const link of links.values()) link.removeAttribute('aria-current');
  links.get(entry.target.id).setAttribute('aria-current', 'true');
}, { rootMargin: '-10% 0px -80% 0px' });
for (const id of links.keys()) visible.observe(document.getElementById(id));
`;
