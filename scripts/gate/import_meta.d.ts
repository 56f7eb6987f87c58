/** What `import.meta` holds on both runtimes for modules that are files, as Node's types say it too. Deno's own types make `dirname`
 *  optional, because its modules may also come from the network; ours never do. */

interface ImportMeta {
  dirname: string;
  filename: string;
  main: boolean;
}
