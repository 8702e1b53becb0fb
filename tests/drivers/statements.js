// What an application does through QLDB's driver for Node.js. Arguments: endpoint, ledger.
const assert = require("node:assert/strict");
const { QldbDriver, RetryConfig, SessionPoolEmptyError } = require("amazon-qldb-driver-nodejs");
const { ServiceException } = require("@smithy/smithy-client");
const ion = require("ion-js");

const [endpoint, ledger] = process.argv.slice(2);
const credentials = { accessKeyId: "node", secretAccessKey: "driver" };
const settings = { endpoint, region: "us-east-1", credentials };
const driver = new QldbDriver(ledger, settings);

const values = [
  "null", "null.bool", "null.int", "null.float", "null.decimal", "null.timestamp", "null.string",
  "null.symbol", "null.blob", "null.clob", "null.list", "null.sexp", "null.struct", "true", "1",
  "0.5e0", "1.25", "-0.", "2020-01-01T00:00:00.000Z", "2007T", "2007-02-03", '"text"', "symbol",
  "{{aGVsbG8=}}", '{{"clob"}}', "[1,2]", "(a b)", "{b:1}", "123456789012345678901234567890", "a::1",
];

async function rows(statement, ...parameters) {
  const result = await driver.executeLambda((txn) => txn.execute(statement, ...parameters));
  return result.getResultList();
}

async function increment(some) {
  return some.executeLambda(async (txn) => {
    const [value] = (await txn.execute("SELECT VALUE n FROM Node")).getResultList();
    await txn.execute("UPDATE Node SET n = ?", value.numberValue() + 1);
  });
}

const checks = {
  async tables() {
    assert.equal((await rows("CREATE TABLE Node")).length, 1);
    assert.equal((await rows("CREATE INDEX ON Node (indexed)")).length, 1);
    assert.deepEqual(await driver.getTableNames(), ["Node"]);
  },
  async "codes of errors"() {
    const name = "BadRequestException";
    await assert.rejects(rows("CREATE TABLE Node"), { name, Code: "412" });
    await assert.rejects(rows("SELECT * FROM Absent"), { name, Code: "432" });
    const lost = new QldbDriver("absent", settings);
    await assert.rejects(lost.getTableNames(), { name });
    lost.close();
  },
  async "every Ion type"() {
    for (const text of values) {
      const value = ion.load(text);
      await rows("INSERT INTO Node ?", { v: value });
      const found = value.isNull()
        ? await rows("SELECT VALUE v FROM Node WHERE v IS NULL")
        : await rows("SELECT VALUE v FROM Node WHERE v = ?", value);
      assert.deepEqual(found.map((each) => ion.dumpText(each)), [ion.dumpText(value)], text);
      await rows("UPDATE Node SET v = 0");
      await rows("UPDATE Node SET v = ?", value);
      const [updated] = await rows("SELECT VALUE v FROM Node");
      assert.equal(ion.dumpText(updated), ion.dumpText(value), text);
      await rows("DELETE FROM Node");
    }
  },
  async "costs and pages"() {
    await rows("INSERT INTO Node << {'c': 1}, {'c': 2}, {'c': 3} >>");
    const statement = "SELECT * FROM Node a, Node b, Node c, Node d, Node e, Node f";
    const result = await driver.executeLambda((txn) => txn.execute(statement));
    assert.equal(result.getResultList().length, 729);
    assert.equal(result.getConsumedIOs().getReadIOs(), 1092);
    assert.ok(result.getTimingInformation().getProcessingTimeMilliseconds() > 0);
    await driver.executeLambda(async (txn) => {
      const stream = await txn.executeAndStreamResults(statement);
      assert.ok(stream.getConsumedIOs().getReadIOs() > 0);
      let count = 0;
      for await (const _ of stream) count += 1;
      assert.equal(count, 729);
    });
    assert.equal((await rows("DELETE FROM Node")).length, 3);
  },
  async "lost races"() {
    await rows("INSERT INTO Node ?", { n: 0 });
    const impatient = new QldbDriver(ledger, settings, {}, 3, new RetryConfig(0));
    const ends = await Promise.allSettled([1, 2, 3].map(() => increment(impatient)));
    impatient.close();
    const lost = ends.filter((each) => each.status === "rejected");
    assert.ok(lost.length > 0);
    for (const each of lost) assert.equal(each.reason.name, "OccConflictException");
    await Promise.all([1, 2, 3].map(() => increment(driver)));
    const [value] = await rows("SELECT VALUE n FROM Node");
    assert.equal(value.numberValue(), ends.length - lost.length + 3);
  },
  async "an exhausted pool"() {
    const small = new QldbDriver(ledger, settings, {}, 1);
    const busy = small.executeLambda((txn) => txn.execute("SELECT * FROM Node"));
    const second = small.executeLambda((txn) => txn.execute("SELECT * FROM Node"));
    await assert.rejects(second, SessionPoolEmptyError);
    await busy;
    small.close();
  },
  async "transactions tried again"() {
    let tries = 0;
    await driver.executeLambda(async (txn) => {
      await txn.execute("SELECT * FROM Node");
      tries += 1;
      const failure = { $metadata: { httpStatusCode: 500 }, name: "failure", $fault: "server" };
      if (tries < 4) throw new ServiceException(failure);
    }, new RetryConfig(10, () => 0));
    assert.equal(tries, 4);
  },
};

(async () => {
  for (const [name, check] of Object.entries(checks)) {
    await check();
    console.log(`passed: ${name}`);
  }
  driver.close();
})();
