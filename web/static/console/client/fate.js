// Reasons of hubline.closing after which a new token is needed, and those after
// which coming back would only throw out whoever took this client's place.
const renewReasons = new Set(['expiry', 'expired', 'revoked']);
const finalReasons = new Set(['replaced']);

// Statuses that repeating the same request will not change.
const finalStatuses = new Set([400, 403]);

// Statuses that say something about the token or the server. Any other refusal may
// come from a proxy that cannot carry the transport.
const serverStatuses = new Set([401, 429, 503]);

/**
 * What to do after an error (status of an answer, reason of a closing): "renew" the
 * token and come back, "stop", or "retry" later.
 */
export function fateOf(error) {
  if (error.status === 401 || renewReasons.has(error.reason)) return 'renew';
  if (error.final || finalStatuses.has(error.status) || finalReasons.has(error.reason)) return 'stop';
  return 'retry';
}

/** Whether another transport might get through where this one failed to open. */
export function blamesTransport(error) {
  return !serverStatuses.has(error.status);
}
