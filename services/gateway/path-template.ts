/** A path of google.api.http in the syntax of the HTTP router, and the fields that its parts fill. */
export interface RoutePath {
  /** `/v1/orders/:id(^[^:/]+)::cancel` */
  readonly url: string;
  /** Proto names of the fields, such as `product_id`. */
  readonly fields: readonly string[];
}

/**
 * Translates `/v1/orders/{id}:cancel`. Single segments only, which is all that the contracts use.
 * @throws Error for a template with `*`, `**` or a nested field.
 */
export function routePathOf(template: string): RoutePath {
  const fields: string[] = [];
  const [path = '', verb] = template.split(/:(?=[a-zA-Z]+$)/);
  const url = path.replace(/\{([^}]*)\}/g, (_, field: string) => {
    if (!/^[a-z][a-z0-9_]*$/.test(field)) throw new Error(`path ${template}: only {field} is supported`);
    fields.push(field);
    return `:${field}(^[^:/]+)`;
  });
  // The router reads `::` as a colon that is meant literally.
  return { url: verb === undefined ? url : `${url}::${verb}`, fields };
}
