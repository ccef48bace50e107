// The taxa by all that they are called: names, keys and synonyms.

const fold = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
const BEGINS = 1; // from this rank on a text has more than what was typed
const words = (text) => text.split(/[\s_.-]+/);

/** Searches taxa; made once for each list that the server gives. */
export class Names {
  #entries;
  #byKey;

  /** @param {{key: string, name: string, parent: ?string, synonyms: string[]}[]} taxa by name */
  constructor(taxa) {
    this.#byKey = new Map(taxa.map((taxon) => [taxon.key, taxon]));
    this.#entries = taxa.map((taxon) => ({
      taxon,
      texts: [taxon.key, taxon.name].map(fold),
      synonyms: (taxon.synonyms ?? []).map((name) => [name, fold(name)]),
    }));
  }

  /** The taxon with a key. */
  get(key) {
    return this.#byKey.get(key);
  }

  /** The taxon whose key, name or synonym something typed is, in any case. */
  called(typed) {
    const [best] = this.find(typed, 1);
    return this.get(typed.trim()) ?? (best?.rank < BEGINS ? best.taxon : undefined);
  }

  /**
   * Taxa that something typed may mean, best first: what is called just so, what begins so, with a
   * word that begins so, with it inside; names before synonyms.
   * @returns {{taxon: object, synonym: ?string, rank: number}[]} `synonym` is the one that fits, if no name does as well
   */
  find(typed, most = Infinity) {
    const wanted = fold(typed.trim());
    const found = [];
    for (const { taxon, texts, synonyms } of this.#entries) {
      let [rank, synonym] = [Math.min(...texts.map((text) => fit(text, wanted))), null];
      for (const [name, text] of synonyms) {
        const other = fit(text, wanted) + 0.5;
        if (other < rank) [rank, synonym] = [other, name];
      }
      if (rank < Infinity) found.push({ taxon, synonym, rank });
    }
    return found.sort((a, b) => a.rank - b.rank).slice(0, most);
  }

  /** The names of all that a taxon lies below, the top one first. */
  above(taxon) {
    const way = [];
    for (let one = this.get(taxon.parent); one && way.length < 50; one = this.get(one.parent)) way.unshift(one.name);
    return way;
  }
}

/** How well a text fits: smaller is better, Infinity is not at all. */
function fit(text, wanted) {
  if (text === wanted) return 0;
  if (text.startsWith(wanted)) return BEGINS;
  if (words(text).some((word) => word.startsWith(wanted))) return 2;
  return text.includes(wanted) ? 3 : Infinity;
}
