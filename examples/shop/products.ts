/** What the shop sells; every service knows the same list. */
export const products = [
  { id: 'p1', name: 'beam', cents: 129_00, stars: 4 },
  { id: 'p2', name: 'shuttle', cents: 18_50, stars: 5 },
  { id: 'p3', name: 'heddle', cents: 42_00, stars: 3 },
  { id: 'p4', name: 'reed', cents: 61_25, stars: 4 },
  { id: 'p5', name: 'bobbin', cents: 2_75, stars: 5 },
] as const;

/** The product with this id; undefined when there is none. */
export function productOf(id: string | undefined): (typeof products)[number] | undefined {
  return products.find(product => product.id === id);
}
