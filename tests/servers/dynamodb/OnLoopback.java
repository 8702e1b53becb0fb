import com.amazonaws.services.dynamodbv2.local.server.LocalDynamoDBRequestHandler;
import com.amazonaws.services.dynamodbv2.local.server.LocalDynamoDBServerHandler;
import java.net.InetSocketAddress;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;

/**
 * DynamoDB Local on the loopback interface alone: its own main listens on all of them.
 *
 * <p>The arguments are a port, 0 for any free one, and the folder to keep the tables in, or none to
 * keep them in memory. What it prints first is the port.
 */
public class OnLoopback {
    public static void main(String[] arguments) throws Exception {
        boolean inMemory = arguments.length < 2;
        String folder = inMemory ? null : arguments[1];
        var requests = new LocalDynamoDBRequestHandler(0, inMemory, folder, true, false);
        var address = new InetSocketAddress("127.0.0.1", Integer.parseInt(arguments[0]));
        var server = new Server(address);
        server.setHandler(new LocalDynamoDBServerHandler(requests, "*"));
        server.start();
        System.out.println(((ServerConnector) server.getConnectors()[0]).getLocalPort());
        server.join();
    }
}
