/** Nominal types over primitives: a View is not a Height, although both are numbers at run time. */

declare const brand: unique symbol;

export type Brand<Base, Name extends string> = Base & { readonly [brand]: Name };
