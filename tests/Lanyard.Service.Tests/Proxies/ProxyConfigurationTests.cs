namespace Lanyard.Service.Tests.Proxies;

public sealed class ProxyConfigurationTests
{
    [Fact]
    public void Proxies_and_forwards_are_read()
    {
        var read = ProxyConfiguration.Parse("""
            { "settings": { "primaryPort": 9993 },
              "lanyard": {
                "proxies": [ { "listen": 1080 }, { "listen": "[::1]:8080", "protocol": "http", "network": "8056c2e21c000001", "outside": "host",
                    "user": "joe", "password": "pw", "maxConnections": 9, "idleSeconds": 60 } ],
                "forwards": [ { "network": "8056c2e21c000001", "local": "5353:dns:53/udp" }, { "network": "8056c2e21c000001", "remote": "80:127.0.0.1:8080" } ],
                "others": "are passed over" } }
            """);
        Assert.Empty(read.Errors);
        Assert.Equal("127.0.0.1:1080", read.Proxies[0].Options.LocalEndPoint.ToString());
        Assert.Null(read.Proxies[0].Network);
        var second = read.Proxies[1].Options;
        Assert.Equal(("[::1]:8080", LanyardProxyProtocols.Http, LanyardOutsidePolicy.Host, "joe", "pw", 9, 60.0),
            (second.LocalEndPoint.ToString(), second.Protocols, second.Outside, second.UserName, second.Password, second.MaxConnections, second.IdleTimeout.TotalSeconds));
        Assert.Equal(["5353:dns:53/udp", "80:127.0.0.1:8080"], read.Forwards.Select(forward => forward.Forward.ToString()));
        Assert.Equal([LanyardForwardDirection.Local, LanyardForwardDirection.Remote], read.Forwards.Select(forward => forward.Forward.Direction));
    }

    [Theory]
    [InlineData("{", "It is not JSON")]
    [InlineData("""{ "lanyard": 1 }""", "lanyard: an object is expected")]
    [InlineData("""{ "lanyard": { "proxies": {} } }""", "lanyard.proxies: a list is expected")]
    [InlineData("""{ "lanyard": { "proxies": [ 1 ] } }""", "lanyard.proxies[0]: an object is expected")]
    [InlineData("""{ "lanyard": { "proxies": [ {} ] } }""", "lanyard.proxies[0]: 'listen' is missing")]
    [InlineData("""{ "lanyard": { "proxies": [ { "listen": "x" } ] } }""", "lanyard.proxies[0].listen: 'x' is not a port")]
    [InlineData("""{ "lanyard": { "proxies": [ { "listen": 1, "port": 1 } ] } }""", "lanyard.proxies[0].port: it is not known")]
    [InlineData("""{ "lanyard": { "proxies": [ { "listen": 1, "protocol": "ftp" } ] } }""", "'ftp' is none of socks, http and all")]
    [InlineData("""{ "lanyard": { "proxies": [ { "listen": 1, "network": "1" } ] } }""", "'1' is not a network's ID")]
    [InlineData("""{ "lanyard": { "proxies": [ { "listen": 1, "user": "a" } ] } }""", "lanyard.proxies[0]: Set LanyardProxyOptions.UserName and Password")]
    [InlineData("""{ "lanyard": { "proxies": [ { "listen": 1, "maxConnections": 0 } ] } }""", "a whole number above 0 is expected")]
    [InlineData("""{ "lanyard": { "proxies": [ { "listen": 1 }, { "listen": "127.0.0.1:1" } ] } }""", "two proxies listen on 127.0.0.1:1")]
    [InlineData("""{ "lanyard": { "forwards": [ { "local": "1:a:1" } ] } }""", "lanyard.forwards[0]: 'network' is missing")]
    [InlineData("""{ "lanyard": { "forwards": [ { "network": "8056c2e21c000001" } ] } }""", "says neither 'local' nor 'remote'")]
    [InlineData("""{ "lanyard": { "forwards": [ { "network": "8056c2e21c000001", "local": "1" } ] } }""", "lanyard.forwards[0].local: '1' is not")]
    [InlineData("""{ "lanyard": { "forwards": [ { "network": "8056c2e21c000001", "local": "1:a:1", "remote": "1:a:1" } ] } }""", "both local and remote")]
    public void What_makes_no_sense_is_said_with_its_place(string text, string error) =>
        Assert.Contains(error, Assert.Single(ProxyConfiguration.Parse(text).Errors), StringComparison.Ordinal);
}
