import com.amazon.ion.IonStruct;
import com.amazon.ion.IonSystem;
import com.amazon.ion.IonText;
import com.amazon.ion.IonValue;
import com.amazon.ion.system.IonSystemBuilder;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.qldbsession.QldbSessionClient;
import software.amazon.awssdk.services.qldbsession.model.BadRequestException;
import software.amazon.awssdk.services.qldbsession.model.OccConflictException;
import software.amazon.qldb.QldbDriver;
import software.amazon.qldb.Result;
import software.amazon.qldb.RetryPolicy;

/** What an application does through QLDB's driver for Java. Arguments: endpoint, ledger. */
public final class Statements {
    private static final String[] VALUES = {
        "null", "null.bool", "null.int", "null.float", "null.decimal", "null.timestamp",
        "null.string", "null.symbol", "null.blob", "null.clob", "null.list", "null.sexp",
        "null.struct", "true", "1", "0.5e0", "-0e0", "+inf", "1.25", "-0.0", "1d400",
        "2020-01-01T00:00:00.000Z", "2020-01-01T00:00:00.1234567890123Z", "2020T",
        "2020-02-03T04:05-00:00", "\"text\"", "symbol", "{{aGVsbG8=}}", "{{\"clob\"}}", "[1, 2]",
        "(a b)", "{b: 1, b: 2}", "a::b::1", "123456789012345678901234567890",
    };

    private final IonSystem ion = IonSystemBuilder.standard().build();
    private final URI endpoint;
    private final String ledger;

    private Statements(String endpoint, String ledger) {
        this.endpoint = URI.create(endpoint);
        this.ledger = ledger;
    }

    public static void main(String[] arguments) throws Exception {
        new Statements(arguments[0], arguments[1]).run();
    }

    private QldbDriver driver(RetryPolicy retries) {
        return QldbDriver.builder()
            .ledger(ledger)
            .ionSystem(ion)
            .transactionRetryPolicy(retries)
            .sessionClientBuilder(QldbSessionClient.builder()
                .endpointOverride(endpoint)
                .region(Region.US_EAST_1)
                .credentialsProvider(StaticCredentialsProvider.create(
                    AwsBasicCredentials.create("java", "driver"))))
            .build();
    }

    private void run() throws Exception {
        try (QldbDriver driver = driver(RetryPolicy.maxRetries(4))) {
            tables(driver);
            errors(driver);
            ionTypes(driver);
            costs(driver);
            lostRace(driver);
        }
        System.out.println("passed");
    }

    private void tables(QldbDriver driver) {
        equal(rows(driver, "CREATE TABLE Java").size(), 1);
        equal(rows(driver, "CREATE INDEX ON Java (v)").size(), 1);
        List<String> names = new ArrayList<>();
        driver.getTableNames().forEach(names::add);
        equal(names, List.of("Java"));
        IonStruct index = (IonStruct) rows(
            driver, "SELECT VALUE indexes[0] FROM information_schema.user_tables").get(0);
        equal(((IonText) index.get("expr")).stringValue(), "[v]");
    }

    private void errors(QldbDriver driver) {
        equal(codeOf(driver, "CREATE TABLE Java"), "412");
        equal(codeOf(driver, "SELECT * FROM Absent"), "432");
    }

    private String codeOf(QldbDriver driver, String statement) {
        try {
            rows(driver, statement);
        } catch (BadRequestException error) {
            return error.code();
        }
        throw new AssertionError("it was not refused: " + statement);
    }

    private void ionTypes(QldbDriver driver) {
        for (String text : VALUES) {
            IonValue value = ion.singleValue(text);
            IonStruct document = ion.newEmptyStruct();
            document.put("v", value.clone());
            rows(driver, "INSERT INTO Java ?", document);
            List<IonValue> found = value.isNullValue()
                ? rows(driver, "SELECT VALUE v FROM Java WHERE v IS NULL")
                : rows(driver, "SELECT VALUE v FROM Java WHERE v = ?", value);
            equal(found, List.of(value));
            rows(driver, "UPDATE Java SET v = 0");
            rows(driver, "UPDATE Java SET v = ?", value);
            equal(rows(driver, "SELECT VALUE v FROM Java"), List.of(value));
            equal(rows(driver, "SELECT VALUE data.v FROM _ql_committed_Java"), List.of(value));
            rows(driver, "DELETE FROM Java");
        }
    }

    private void costs(QldbDriver driver) {
        rows(driver, "INSERT INTO Java << {'c': 1}, {'c': 2}, {'c': 3} >>");
        Result result = driver.execute(transaction -> {
            return transaction.execute(
                "SELECT * FROM Java a, Java b, Java c, Java d, Java e, Java f");
        });
        int count = 0;
        for (IonValue ignored : result) {
            count++;
        }
        equal(count, 729);
        equal(result.getConsumedIOs().getReadIOs(), 1092L);
        equal(result.getTimingInformation().getProcessingTimeMilliseconds() > 0, true);
        equal(rows(driver, "DELETE FROM Java").size(), 3);
    }

    private void lostRace(QldbDriver driver) throws Exception {
        rows(driver, "INSERT INTO Java << {'n': 0} >>");
        try (QldbDriver impatient = driver(RetryPolicy.none())) {
            impatient.execute(transaction -> {
                transaction.execute("SELECT VALUE n FROM Java");
                rows(driver, "UPDATE Java SET n = 5");
            });
        } catch (OccConflictException expected) {
            return;
        }
        throw new AssertionError("who read what was changed should have lost");
    }

    private static List<IonValue> rows(
            QldbDriver driver, String statement, IonValue... parameters) {
        return driver.execute(transaction -> {
            List<IonValue> values = new ArrayList<>();
            transaction.execute(statement, parameters).forEach(values::add);
            return values;
        });
    }

    private static void equal(Object given, Object expected) {
        if (!expected.equals(given)) {
            throw new AssertionError("expected " + expected + ", got " + given);
        }
    }
}
