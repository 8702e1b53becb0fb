import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.opensearch.common.settings.Settings;
import org.opensearch.env.Environment;
import org.opensearch.http.HttpServerTransport;
import org.opensearch.node.InternalSettingsPreparer;
import org.opensearch.node.Node;
import org.opensearch.transport.Netty4Plugin;

/**
 * An OpenSearch node of its own on the loopback interface, with HTTP and without any plugin.
 *
 * <p>The arguments are a port, 0 for any free one, and the folder to keep everything in. What it
 * prints last is the port.
 */
public class OnLoopback {
    public static void main(String[] arguments) throws Exception {
        Path home = Path.of(arguments[1]);
        Settings settings = Settings.builder()
                .put("path.home", home)
                .put("network.host", "127.0.0.1")
                .put("http.port", arguments[0])
                .put("transport.port", 0)
                .put("discovery.type", "single-node")
                .put("node.name", "tests")
                .put("cluster.routing.allocation.disk.threshold_enabled", false)
                .build();
        var environment = InternalSettingsPreparer.prepareEnvironment(
                settings, Map.of(), home.resolve("config"), () -> "tests");
        var node = new Alone(environment);
        node.start();
        var http = node.injector().getInstance(HttpServerTransport.class);
        System.out.println(http.boundAddress().publishAddress().getPort());
        Thread.currentThread().join();
    }

    /** A node that is made from Java, which takes its plugins from the class path. */
    private static class Alone extends Node {
        Alone(Environment environment) {
            super(environment, List.of(Netty4Plugin.class), true);
        }
    }
}
