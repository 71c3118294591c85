// The npm package `soap` as a legacy client: reads calls from stdin, prints what came back, as JSON.
"use strict";
const soap = require("soap");
const fs = require("fs");
const https = require("https");

async function main() {
  const asked = JSON.parse(fs.readFileSync(0, "utf8"));
  const options = { forceSoap12Headers: asked.version === "1.2", disableCache: true };
  if (asked.tls) {
    const read = ([name, file]) => [name, fs.readFileSync(file)];
    const agent = new https.Agent(Object.fromEntries(Object.entries(asked.tls).map(read)));
    options.wsdl_options = { httpsAgent: agent };
  }
  const client = await soap.createClientAsync(asked.url, options);
  if (asked.tls) {
    client.setSecurity(
      new soap.ClientSSLSecurity(asked.tls.key, asked.tls.cert, asked.tls.ca, { strictSSL: true })
    );
  }
  if (asked.user) {
    const digest = { passwordType: "PasswordDigest", hasNonce: true, hasTimeStamp: false };
    client.setSecurity(new soap.WSSecurity(asked.user, asked.password, digest));
  }
  const results = [];
  for (const call of asked.calls) {
    client.clearSoapHeaders();
    if (call.header) client.addSoapHeader(call.header, "", "c", asked.headerNamespace);
    const port = client[asked.service][asked.port];
    try {
      const answer = await new Promise((resolve, reject) =>
        port[call.operation](call.arguments, (error, result) => (error ? reject(error) : resolve(result)))
      );
      results.push({ operation: call.operation, answer });
    } catch (error) {
      const fault = error.root && error.root.Envelope ? error.root.Envelope.Body.Fault : null;
      results.push({ operation: call.operation, fault, message: String(error.message).slice(0, 300) });
    }
  }
  process.stdout.write(JSON.stringify({ described: client.describe(), results }));
}

main().catch((error) => {
  process.stderr.write(String(error.stack || error));
  process.exit(1);
});
