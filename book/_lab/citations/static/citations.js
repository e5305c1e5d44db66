// Shows citations in JupyterLab as the site does: "van der Maaten and Hinton, 2008" in place of a key.
//
// jupyterlab-myst renders the roles {cite:p} and {cite:t}, but looks into no bibliography and marks each key as not
// found. This reads book/reference/references.bib and writes authors and year there, with the title as a hint.
// `make lab` passes this folder to JupyterLab, which loads it as a prebuilt extension: nothing is compiled.
(() => {
  const MISSING = 'span[title="Citation Not Found"]';

  function fields(entry) {
    const found = {};
    for (const [, name, value] of entry.matchAll(/^\s*(\w+)\s*=\s*[{"](.*)[}"],?\s*$/gm))
      found[name.toLowerCase()] = value.replace(/[{}]/g, '').replace(/\s+/g, ' ');
    return found;
  }

  function authors(text) {
    // "Last, First" or "First Last", as BibTeX has it; what stands in braces of its own is one name.
    const names = text.split(' and ').map(name => (name.includes(',') ? name.split(',')[0] : name.split(' ').pop()));
    if (names.length > 2) return `${names[0]} et al.`;
    return names.join(' and ');
  }

  function read(bib) {
    const works = {};
    for (const entry of bib.split(/^(?=@)/m)) {
      const key = /^@\w+\{([^,\s]+),/.exec(entry)?.[1];
      if (!key) continue;
      const { author = key, year = '', title = '', doi, url } = fields(entry);
      works[key] = { label: `${authors(author)}, ${year}`, title, link: doi ? `https://doi.org/${doi}` : url };
    }
    return works;
  }

  function show(works) {
    for (const span of document.querySelectorAll(MISSING)) {
      const work = works[span.textContent.trim()];
      if (!work) continue;
      const shown = document.createElement(work.link ? 'a' : 'span');
      Object.assign(shown, { textContent: work.label, title: work.title });
      if (work.link) Object.assign(shown, { href: work.link, target: '_blank', rel: 'noopener' });
      span.replaceWith(shown);
    }
  }

  const plugin = {
    id: 'citations:plugin',
    autoStart: true,
    activate: async app => {
      const address = `${app.serviceManager.serverSettings.baseUrl}files/book/reference/references.bib`;
      const answer = await fetch(address);
      if (!answer.ok) return; // another folder is served: keys stay keys
      const works = read(await answer.text());
      let waiting = false;
      new MutationObserver(() => {
        if (waiting) return;
        waiting = true;
        requestAnimationFrame(() => {
          waiting = false;
          show(works);
        });
      }).observe(document.body, { childList: true, subtree: true });
      show(works);
    },
  };
  (window._JUPYTERLAB ??= {}).citations = { init: () => {}, get: async () => () => ({ __esModule: true, default: plugin }) };
})();
