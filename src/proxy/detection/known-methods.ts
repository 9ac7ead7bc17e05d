/**
 * Every method that llhttp knows. A list of our own: importing node:http for its METHODS loads all of it, HTTP/2 and fetch
 * included, which is two megabytes of heap in every sidecar. The test holds it against the Node that runs.
 */
export const KNOWN_METHODS: readonly string[] =
  `ACL BIND CHECKOUT CONNECT COPY DELETE GET HEAD LINK LOCK M-SEARCH MERGE MKACTIVITY MKCALENDAR MKCOL MOVE NOTIFY OPTIONS PATCH POST PROPFIND
   PROPPATCH PURGE PUT QUERY REBIND REPORT SEARCH SOURCE SUBSCRIBE TRACE UNBIND UNLINK UNLOCK UNSUBSCRIBE`.split(
    /\s+/,
  );
