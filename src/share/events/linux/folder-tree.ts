interface Node {
  readonly key: string;
  /** Undefined for a root. */
  parent: Node | undefined;
  /** Its path, for a root. */
  name: string;
  readonly children: Map<string, Node>;
  /** The only names that are watched. */
  readonly only: ReadonlySet<string> | undefined;
}

/**
 * The watched folders by their file handles, as they were at the event that was read last. So each event gets the path
 * that its folder had when it happened, whatever was moved or deleted since.
 */
export class FolderTree {
  readonly #nodes = new Map<string, Node>();

  get size(): number {
    return this.#nodes.size;
  }

  has(key: string): boolean {
    return this.#nodes.has(key);
  }

  addRoot(key: string, path: string, only?: readonly string[]): void {
    if (this.#nodes.has(key)) return;
    this.#nodes.set(key, {
      key,
      parent: undefined,
      name: path,
      children: new Map(),
      only: only === undefined ? undefined : new Set(only),
    });
  }

  /** False if it is known already, or its parent is not watched with what is below it. */
  add(key: string, parentKey: string, name: string): boolean {
    const parent = this.#nodes.get(parentKey);
    if (parent === undefined || parent.only !== undefined || this.#nodes.has(key)) return false;
    this.#replace(parent, name);
    const node: Node = { key, parent, name, children: new Map(), only: undefined };
    parent.children.set(name, node);
    this.#nodes.set(key, node);
    return true;
  }

  /** With everything below it. A root stays. */
  move(key: string, parentKey: string, name: string): void {
    const node = this.#nodes.get(key);
    const parent = this.#nodes.get(parentKey);
    if (node?.parent === undefined || parent === undefined || parent.only !== undefined)
      return this.remove(key);
    if (isBelow(parent, node)) return;
    this.#detach(node);
    this.#replace(parent, name);
    node.parent = parent;
    node.name = name;
    parent.children.set(name, node);
  }

  /** With everything below it. A root stays: its own folder tells nothing about it. */
  remove(key: string): void {
    const node = this.#nodes.get(key);
    if (node?.parent === undefined) return;
    this.#detach(node);
    this.#forget(node);
  }

  /** The path of a name in a folder; undefined if it is not watched. `.` is the folder. */
  pathOf(key: string, name: string): string | undefined {
    const node = this.#nodes.get(key);
    if (node === undefined) return undefined;
    if (node.only !== undefined) return node.only.has(name) ? join(node.name, name) : undefined;
    return name === '.' ? pathOfNode(node) : join(pathOfNode(node), name);
  }

  #replace(parent: Node, name: string): void {
    const other = parent.children.get(name);
    if (other !== undefined) this.remove(other.key);
  }

  #detach(node: Node): void {
    if (node.parent?.children.get(node.name) === node) node.parent.children.delete(node.name);
  }

  #forget(node: Node): void {
    const waiting = [node];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      this.#nodes.delete(next.key);
      waiting.push(...next.children.values());
    }
  }
}

function pathOfNode(node: Node): string {
  const names: string[] = [];
  let at = node;
  for (; at.parent !== undefined; at = at.parent) names.push(at.name);
  return names.reduceRight(join, at.name);
}

function isBelow(node: Node, folder: Node): boolean {
  for (let at: Node | undefined = node; at !== undefined; at = at.parent) if (at === folder) return true;
  return false;
}

function join(folder: string, name: string): string {
  return folder.endsWith('/') ? `${folder}${name}` : `${folder}/${name}`;
}
