using Lanyard.Proxies;

namespace Lanyard.Service.Tests.Proxies;

public sealed class ProxySectionTests
{
    [Fact]
    public void Proxies_and_forwards_are_read()
    {
        var read = LocalConfiguration.Parse("local.conf", """
            { "settings": { "primaryPort": 9993 },
              "lanyard": {
                "proxies": [ { "listen": 1080 }, { "listen": "[::1]:8080", "protocol": "http", "network": "8056c2e21c000001", "outside": "host",
                    "user": "joe", "password": "pw", "maxConnections": 9, "idleSeconds": 60 } ],
                "forwards": [ { "network": "8056c2e21c000001", "local": "5353:dns:53/udp" }, { "network": "8056c2e21c000001", "remote": "80:127.0.0.1:8080" } ],
                "others": "are passed over" } }
            """);
        Assert.Equal("127.0.0.1:1080", read.Proxies[0].Options.LocalEndPoint.ToString());
        Assert.Null(read.Proxies[0].Network);
        var second = read.Proxies[1].Options;
        Assert.Equal(("[::1]:8080", LanyardProxyProtocols.Http, LanyardOutsidePolicy.Host, "joe", "pw", 9, 60.0),
            (second.LocalEndPoint.ToString(), second.Protocols, second.Outside, second.UserName, second.Password, second.MaxConnections, second.IdleTimeout.TotalSeconds));
        Assert.Equal(["5353:dns:53/udp", "80:127.0.0.1:8080"], read.Forwards.Select(forward => forward.Forward.ToString()));
        Assert.Equal([LanyardForwardDirection.Local, LanyardForwardDirection.Remote], read.Forwards.Select(forward => forward.Forward.Direction));
    }

    [Theory]
    [InlineData("""{ "lanyard": null }""")]
    [InlineData("""{ "lanyard": {} }""")]
    [InlineData("""{ "lanyard": { "proxies": null, "forwards": [] } }""")]
    public void A_missing_section_configures_no_proxies(string text)
    {
        var read = LocalConfiguration.Parse("local.conf", text);
        Assert.Empty(read.Proxies);
        Assert.Empty(read.Forwards);
    }

    [Theory]
    [InlineData("""{ "lanyard": 1 }""", "\"lanyard\" is not an object, but 1")]
    [InlineData("""{ "lanyard": { "proxies": {} } }""", "\"lanyard.proxies\" is not an array, but an object")]
    [InlineData("""{ "lanyard": { "proxies": [ 1 ] } }""", "\"lanyard.proxies[0]\" is not an object, but 1")]
    [InlineData("""{ "lanyard": { "proxies": [ {} ] } }""", "\"lanyard.proxies[0]\" has no \"listen\"")]
    [InlineData("""{ "lanyard": { "proxies": [ { "listen": "x" } ] } }""", "\"lanyard.proxies[0].listen\" is not a port, or an address and a port such as 127.0.0.1:1080, but \"x\"")]
    [InlineData("""{ "lanyard": { "proxies": [ { "listen": [] } ] } }""", "\"lanyard.proxies[0].listen\" is not a port")]
    [InlineData("""{ "lanyard": { "proxies": [ { "listen": 1, "port": 1 } ] } }""", "\"lanyard.proxies[0].port\" is unknown")]
    [InlineData("""{ "lanyard": { "proxies": [ { "listen": 1, "protocol": "ftp" } ] } }""", "\"lanyard.proxies[0].protocol\" is not one of socks, http, all, but \"ftp\"")]
    [InlineData("""{ "lanyard": { "proxies": [ { "listen": 1, "outside": true } ] } }""", "\"lanyard.proxies[0].outside\" is not one of refuse, host, but true")]
    [InlineData("""{ "lanyard": { "proxies": [ { "listen": 1, "network": "1" } ] } }""", "\"lanyard.proxies[0].network\" is not a network ID, sixteen hexadecimal digits, but \"1\"")]
    [InlineData("""{ "lanyard": { "proxies": [ { "listen": 1, "user": "a" } ] } }""", "\"lanyard.proxies[0]\" has only one of \"user\" and \"password\"")]
    [InlineData("""{ "lanyard": { "proxies": [ { "listen": 1, "user": "a:b", "password": "c" } ] } }""", "\"lanyard.proxies[0].user\" contains a colon")]
    [InlineData("""{ "lanyard": { "proxies": [ { "listen": 1, "user": "", "password": "c" } ] } }""", "\"lanyard.proxies[0].user\" is not a string of 1 to 255 bytes")]
    [InlineData("""{ "lanyard": { "proxies": [ { "listen": 1, "maxConnections": 0 } ] } }""", "\"lanyard.proxies[0].maxConnections\" is not a whole number, 1 to 2147483647, but 0")]
    [InlineData("""{ "lanyard": { "proxies": [ { "listen": 1, "idleSeconds": 2073601 } ] } }""", "\"lanyard.proxies[0].idleSeconds\" is not a whole number, 1 to 2073600")]
    [InlineData("""{ "lanyard": { "proxies": [ { "listen": 1 }, { "listen": "127.0.0.1:1" } ] } }""", "\"lanyard.proxies\" has two proxies that listen on 127.0.0.1:1")]
    [InlineData("""{ "lanyard": { "forwards": [ { "local": "1:a:1" } ] } }""", "\"lanyard.forwards[0]\" has no \"network\"")]
    [InlineData("""{ "lanyard": { "forwards": [ { "network": "8056c2e21c000001" } ] } }""", "\"lanyard.forwards[0]\" has neither \"local\" nor \"remote\"")]
    [InlineData("""{ "lanyard": { "forwards": [ { "network": "8056c2e21c000001", "local": 1 } ] } }""", "\"lanyard.forwards[0].local\" is not a string, but 1")]
    [InlineData("""{ "lanyard": { "forwards": [ { "network": "8056c2e21c000001", "local": "1" } ] } }""", "\"lanyard.forwards[0].local\" is invalid: '1' is not")]
    [InlineData("""{ "lanyard": { "forwards": [ { "network": "8056c2e21c000001", "local": "1:a:1", "remote": "1:a:1" } ] } }""", "\"lanyard.forwards[0]\" has both \"local\" and \"remote\"")]
    public void An_invalid_setting_is_named_with_its_file_key_and_expected_value(string text, string error)
    {
        var refused = Assert.Throws<LanyardStateException>(() => LocalConfiguration.Parse("/somewhere/local.conf", text));
        Assert.StartsWith($"In the file '/somewhere/local.conf', {error}", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("; ", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void All_errors_of_the_section_are_reported_at_once()
    {
        var refused = Assert.Throws<LanyardStateException>(() => LocalConfiguration.Parse("/somewhere/local.conf", """
            { "lanyard": {
                "proxies": [ { "listen": "x" }, { "listen": 1080, "protocol": "ftp", "network": 7 } ],
                "forwards": {},
                "intercept": { "mode": "0777", "users": { "*": "none" } } } }
            """));
        Assert.StartsWith("In the file '/somewhere/local.conf', \"lanyard.proxies[0].listen\" is not a port", refused.Message, StringComparison.Ordinal);
        foreach (var key in new[] { "proxies[1].protocol", "proxies[1].network", "forwards", "intercept.mode", "intercept.users.*" })
            Assert.Contains($"; \"lanyard.{key}\" ", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Only_the_first_of_many_errors_are_reported()
    {
        var refused = Assert.Throws<LanyardStateException>(() => LocalConfiguration.Parse("local.conf", $$"""{ "lanyard": { "proxies": [ {{string.Join(',', Enumerable.Repeat("1", 10_000))}} ] } }"""));
        Assert.Contains("\"lanyard.proxies[31]\"", refused.Message, StringComparison.Ordinal);
        Assert.EndsWith("; and 9968 more.", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void No_text_contains_the_password()
    {
        foreach (var text in new[]
        {
            """{ "lanyard": { "proxies": [ { "listen": 1, "user": "a", "password": [ "hush" ] } ] } }""",
            """{ "lanyard": { "proxies": { "listen": 1, "user": "a", "password": "hush" } } }""",
            """{ "lanyard": { "proxies": [ [ { "listen": 1, "user": "a", "password": "hush" } ] ] } }""",
        })
            Assert.DoesNotContain("hush", Assert.Throws<LanyardStateException>(() => LocalConfiguration.Parse("local.conf", text)).Message, StringComparison.Ordinal);
    }
}
