// Tables that stand beside the images of a published data set: what a row says about the image that it names, and which rows
// and images do not meet.

import { foldedValue, normal } from '../files/names';
import { counted, finding, type Finding } from '../samples/finding';

const EXTENSION = /\.(png|jpe?g|tiff?|webp|bmp|dcm)$/i;

/** The name of an image as a table or a file has it, without folders and extension. */
const idOf = (name: string): string =>
  normal(name.trim().replaceAll('\\', '/').split('/').at(-1) ?? '').replace(EXTENSION, '');

export class SideTable<T> {
  private readonly exact = new Map<string, T>();
  /** By folded id; of an id that is spelled in several ways nothing. */
  private readonly loose = new Map<string, string | undefined>();
  private readonly met = new Set<string>();
  private readonly without: string[] = [];
  private readonly contradicted = new Set<string>();
  private asked = 0;

  /**
   * @param title the table, as messages name it
   * @param same whether two rows of one image say the same
   */
  constructor(
    private readonly title: string,
    rows: Iterable<readonly [id: string, value: T]>,
    same: (one: T, other: T) => boolean = (one, other) => one === other,
  ) {
    for (const [name, value] of rows) {
      const id = idOf(name);
      if (id === '') continue;
      if (this.exact.has(id) && !same(this.exact.get(id) as T, value)) this.contradicted.add(id);
      if (!this.exact.has(id)) this.loose.set(foldedValue(id), this.loose.has(foldedValue(id)) ? undefined : id);
      this.exact.set(id, value);
    }
  }

  get size(): number {
    return this.exact.size;
  }

  /** What the table says about an image; ids in another case, and with an extension, count where they mean one row. */
  get(stem: string): T | undefined {
    this.asked += 1;
    const own = normal(stem);
    const id = this.exact.has(own) ? own : this.loose.get(foldedValue(own));
    if (id === undefined) this.without.push(stem);
    else this.met.add(id);
    return id === undefined ? undefined : this.exact.get(id);
  }

  /** Rows and images that do not meet, once all images were asked for: no match at all is an error. */
  findings(): Finding[] {
    const rows = [...this.exact.keys()].filter((id) => !this.met.has(id));
    const twice = this.contradictions();
    if (this.asked === 0 || (rows.length === 0 && this.without.length === 0)) return twice;
    const { title, asked } = this;
    const verb = (count: number, one: string, more: string): string => (count === 1 ? one : more);
    const images = this.without.length;
    const said = [
      ...(images > 0
        ? [
            `${images} of ${counted(asked, 'image')} ${verb(images, 'has', 'have')} no row in ${title} (${this.without[0]})`,
          ]
        : []),
      ...(rows.length > 0
        ? [
            `${rows.length} of ${counted(this.size, 'row')} of ${title} ` +
              `${verb(rows.length, 'reaches', 'reach')} no image (${rows[0]})`,
          ]
        : []),
    ];
    return [...twice, finding('group-table', this.met.size === 0 ? 'error' : 'warning', said.join(', and '))];
  }

  /** An error where rows say different things of one image that is there. */
  private contradictions(): Finding[] {
    const ids = [...this.contradicted].filter((id) => this.met.has(id));
    if (ids.length === 0) return [];
    const message = `${counted(ids.length, 'image', ' has', ' have')} rows in ${this.title} that contradict each other (${ids[0]})`;
    return [finding('group-table', 'error', message, ids)];
  }
}
