/** As much of a browser as the page's script touches: elements by id and by attribute, a canvas that notes the texts drawn on it, events. */

interface FakeEvent {
  readonly [key: string]: unknown;
}

interface FakeElement {
  readonly dataset: Readonly<Record<string, string>>;
  readonly style: Record<string, string>;
  readonly listeners: Map<string, (event: FakeEvent) => void>;
  readonly children: FakeElement[];
  textContent: string;
  checked: boolean;
  hidden: boolean;
  readonly [member: string]: unknown;
}

export interface FakeBrowser {
  run(script: string): void;
  text(id: string): string;
  /** Entries of a list. */
  listed(id: string): number;
  /** Texts of the last picture. */
  drawnTexts(): readonly string[];
  key(key: string): void;
  wheel(at: { readonly x: number; readonly deltaY: number }): void;
  point(at: { readonly x: number; readonly y: number }): void;
  press(at: { readonly x: number; readonly y: number }): void;
  /** The button with this action. */
  click(action: string): void;
  /** The box with this data attribute. */
  untick(name: string, value: string): void;
}

const STAGE = { clientWidth: 1_000, clientHeight: 500, offsetWidth: 200, offsetHeight: 40, offsetTop: 0, scrollTop: 0 };

export function createFakeBrowser(page: string): FakeBrowser {
  let drawn: string[] = [];
  const pen = fakePen((text) => drawn.push(text));
  const byId = new Map<string, FakeElement>();
  const element = (dataset: Readonly<Record<string, string>>, textContent = ""): FakeElement => {
    const listeners = new Map<string, (event: FakeEvent) => void>();
    const children: FakeElement[] = [];
    return {
      ...STAGE,
      dataset,
      style: {},
      listeners,
      children,
      textContent,
      checked: true,
      hidden: true,
      addEventListener: (type: string, listener: (event: FakeEvent) => void) => listeners.set(type, listener),
      append: (...added: FakeElement[]) => children.push(...added),
      replaceChildren: () => children.splice(0),
      getContext: () => pen,
      setPointerCapture: () => undefined,
      focus: () => undefined,
    };
  };
  for (const [, id] of page.matchAll(/ id="([^"]+)"/g)) byId.set(id ?? "", element({}));
  byId.set("data", element({}, /id="data">([^<]*)<\/script>/.exec(page)?.[1] ?? ""));
  const tagged = [...page.matchAll(/<(button|input|canvas|span)[^>]* data-(\w+)="([^"]*)"/g)].map(([, tag, name, value]) => ({
    tag: tag ?? "",
    name: name ?? "",
    element: element({ [name ?? ""]: value ?? "" }),
  }));
  const matching = (selector: string): FakeElement[] => {
    const parts = /^(\w*)\[(?:data-)?(\w+)/.exec(selector);
    const [tag, name] = [parts?.[1] ?? "", parts?.[2] ?? ""];
    return tagged.filter((each) => (tag === "" || each.tag === tag) && (name === "type" || each.name === name)).map((each) => each.element);
  };
  const picture = (): FakeElement => byId.get("picture") ?? element({});
  const fire = (target: FakeElement | undefined, type: string, event: FakeEvent): void => {
    drawn = [];
    target?.listeners.get(type)?.({ preventDefault: () => undefined, ...event });
  };
  const globals = {
    document: { getElementById: (id: string) => byId.get(id), querySelectorAll: matching, createElement: () => element({}) },
    matchMedia: () => ({ matches: false, addEventListener: () => undefined }),
    devicePixelRatio: 2,
    requestAnimationFrame: (paint: () => void) => paint(),
    ResizeObserver: class {
      observe(): void {}
    },
  };
  return {
    run: (script) => {
      new Function(...Object.keys(globals), script)(...Object.values(globals));
    },
    text: (id) => byId.get(id)?.textContent ?? "",
    listed: (id) => byId.get(id)?.children.length ?? 0,
    drawnTexts: () => drawn,
    key: (key) => fire(picture(), "keydown", { key }),
    wheel: ({ x, deltaY }) => fire(picture(), "wheel", { offsetX: x, deltaX: 0, deltaY, shiftKey: false }),
    point: ({ x, y }) => fire(picture(), "pointermove", { offsetX: x, offsetY: y }),
    press: ({ x, y }) => {
      fire(picture(), "pointerdown", { offsetX: x, offsetY: y, pointerId: 1 });
      fire(picture(), "pointerup", { offsetX: x, offsetY: y });
    },
    click: (action) => fire(tagged.find((each) => each.name === "action" && each.element.dataset.action === action)?.element, "click", {}),
    untick: (name, value) => {
      const box = tagged.find((each) => each.name === name && each.element.dataset[name] === value)?.element;
      if (box !== undefined) box.checked = false;
      fire(box, "change", {});
    },
  };
}

/** Every stroke does nothing; texts are noted, 6 pixels a character. */
function fakePen(note: (text: string) => void): object {
  const members: Readonly<Record<string, unknown>> = {
    measureText: (text: string) => ({ width: text.length * 6 }),
    fillText: note,
    canvas: STAGE,
  };
  return new Proxy({} as Record<string, unknown>, {
    get: (target, name) => (typeof name === "string" ? (members[name] ?? target[name] ?? (() => undefined)) : undefined),
  });
}
