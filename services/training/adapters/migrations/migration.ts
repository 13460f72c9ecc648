/** One step of the database's schema. A step that was released never changes; what follows gets a step of its own. */
export interface Migration {
  /** Unique and never given twice: the area and a number, e.g. `jobs-001`. */
  name: string;
  sql: string;
}
