using System.Diagnostics;
using System.Runtime.Versioning;
using Lanyard.Wire;

namespace Lanyard.Service.Tests;

/// <summary>The settings for programs: the socket, and the networks of each user.</summary>
public sealed class InterceptSettingsTests
{
    private const uint Alice = 1_000_001;
    private const uint Bob = 1_000_002;
    private static readonly NetworkId s_one = NetworkId.Parse("8056c2e21c000001");
    private static readonly NetworkId s_two = NetworkId.Parse("8056c2e21c000002");

    [Fact]
    public void The_socket_its_mode_and_the_users_are_read()
    {
        var read = Parse("""{ "socket": "/run/lanyard/intercept.sock", "mode": "0666", "users": { "1000001": [ "8056c2e21c000001" ], "1000002": "all", "*": [] } }""");
        Assert.Equal("/run/lanyard/intercept.sock", read.SocketPath);
        Assert.Equal(Convert.ToInt32("666", 8), (int)read.SocketMode!.Value);
        Assert.Equal((true, false), (read.Users.MayUse(Alice, s_one), read.Users.MayUse(Alice, s_two)));
        Assert.Equal((true, true), (read.Users.MayUse(Bob, s_one), read.Users.MayUse(Bob, s_two)));
        Assert.False(read.Users.MayUse(1_000_003, s_one));
        Assert.True(read.Users.MayUse(0, s_two));
        Assert.True(read.Users.MayUse(SystemAccounts.Own, s_two));
    }

    [Theory]
    [InlineData("null", true)]
    [InlineData("{}", true)]
    [InlineData("""{ "socket": null, "mode": null, "users": null }""", true)]
    [InlineData("""{ "users": {} }""", false)]
    [InlineData("""{ "users": { "1000002": "all" } }""", false)]
    [InlineData("""{ "users": { "1000002": [], "*": "all" } }""", true)]
    [InlineData("""{ "users": { "*": [ "8056c2e21c000002" ] } }""", false)]
    [InlineData("""{ "users": { "*": [ "8056c2e21c000002", "8056c2e21c000001" ] } }""", true)]
    public void An_unnamed_user_has_the_networks_of_all_other_users_or_none(string section, bool mayUse)
    {
        var read = Parse(section);
        Assert.Null(read.SocketPath);
        Assert.Null(read.SocketMode);
        Assert.Equal(mayUse, read.Users.MayUse(Alice, s_one));
    }

    [Fact]
    public void An_account_is_looked_up()
    {
        Assert.SkipUnless(SystemAccounts.AreKnown, "Accounts are not looked up on this system.");
        Assert.True(SystemAccounts.TryFind("root", out var root));
        Assert.Equal(0u, root);
        Assert.True(SystemAccounts.TryFind("nobody", out var nobody));
        Assert.False(SystemAccounts.TryFind("no such account", out _));
        Assert.False(SystemAccounts.TryFind("root\0", out _));
        var read = Parse("""{ "users": { "nobody": [ "8056c2e21c000001" ], "*": "all" } }""");
        Assert.Equal((true, false), (read.Users.MayUse(nobody, s_one), read.Users.MayUse(nobody, s_two)));
    }

    [Theory]
    [InlineData("1", "\"lanyard.intercept\" is not an object, but 1")]
    [InlineData("""{ "path": "/a" }""", "\"lanyard.intercept.path\" is unknown: the section has socket, mode, users")]
    [InlineData("""{ "socket": "intercept.sock" }""", "\"lanyard.intercept.socket\" is not an absolute path of at most 103 bytes such as /run/lanyard/intercept.sock, but \"intercept.sock\"")]
    [InlineData("""{ "socket": "/run/" }""", "\"lanyard.intercept.socket\"")]
    [InlineData("""{ "socket": "/a\u0000" }""", "\"lanyard.intercept.socket\"")]
    [InlineData("""{ "socket": "/123456789/123456789/123456789/123456789/123456789/123456789/123456789/123456789/123456789/123456789/123" }""", "\"lanyard.intercept.socket\"")]
    [InlineData("""{ "socket": 7 }""", "\"lanyard.intercept.socket\"")]
    [InlineData("""{ "mode": 600 }""", "\"lanyard.intercept.mode\" is not a string of octal digits such as \"0660\"")]
    [InlineData("""{ "mode": "0698" }""", "\"lanyard.intercept.mode\" is not a string of octal digits")]
    [InlineData("""{ "mode": "-600" }""", "\"lanyard.intercept.mode\" is not a string of octal digits")]
    [InlineData("""{ "mode": "0777" }""", "\"lanyard.intercept.mode\" has other permissions than read and write, which are the only permissions of a socket: at most \"0666\" is expected, but \"0777\"")]
    [InlineData("""{ "mode": "4600" }""", "\"lanyard.intercept.mode\" has other permissions than read and write")]
    [InlineData("""{ "users": [ "alice" ] }""", "\"lanyard.intercept.users\" is not an object of users and their networks, but an array")]
    [InlineData("""{ "users": { "no such account": "all" } }""", "\"lanyard.intercept.users.no such account\" is not a user")]
    [InlineData("""{ "users": { "": "all" } }""", "\"lanyard.intercept.users.\" is not a user")]
    [InlineData("""{ "users": { "4294967295": "all" } }""", "\"lanyard.intercept.users.4294967295\" is not a user")]
    [InlineData("""{ "users": { "4294967296": "all" } }""", "\"lanyard.intercept.users.4294967296\" is not a user")]
    [InlineData("""{ "users": { "7": "all", "007": [] } }""", "\"lanyard.intercept.users.007\" occurs twice: another entry is user 7 too")]
    [InlineData("""{ "users": { "*": "all", "*": [] } }""", "\"lanyard.intercept.users.*\" occurs twice")]
    [InlineData("""{ "users": { "7": "some" } }""", "\"lanyard.intercept.users.7\" is not \"all\" or an array of network IDs, but \"some\"")]
    [InlineData("""{ "users": { "7": [ "8056c2e21c" ] } }""", "\"lanyard.intercept.users.7\" is not a network ID, sixteen hexadecimal digits, but \"8056c2e21c\"")]
    public void An_invalid_setting_is_named_with_its_key_and_expected_value(string section, string expected)
    {
        var refused = Assert.Throws<LanyardStateException>(() => Parse(section));
        Assert.StartsWith($"In the file 'local.conf', {expected}", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    [SupportedOSPlatform("linux")]
    public async Task Another_users_programs_use_the_networks_that_they_may_and_others_once_the_file_says_so()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess && File.Exists("/usr/bin/setpriv") && File.Exists("/usr/bin/perl"), "It takes the superuser, setpriv and perl to be two users.");
        await using var lan = await ServiceLan.StartAsync();
        using var run = new TestFolder();
        File.SetUnixFileMode(run.PathOf(), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        var socket = run.PathOf("programs.sock");
        var service = await lan.StartServiceAsync("a", localConf: Allow("[]"));
        var network = await lan.JoinAllAsync("a");
        Assert.Equal(socket, File.ReadAllText(Path.Combine(lan.Home("a"), StateFiles.InterceptPath)));
        Assert.False(File.Exists(Path.Combine(lan.Home("a"), "intercept.sock")));
        Assert.Equal(Convert.ToInt32("666", 8), (int)File.GetUnixFileMode(socket));
        Assert.Equal(["system", "virtual"], [await AskAsync(Alice), await AskAsync(0)]);

        lan.Configure("a", Allow($"[ \"{network}\" ]"));
        await service.ReloadAsync();
        Assert.Equal(["virtual", "system"], [await AskAsync(Alice), await AskAsync(Bob)]);

        lan.Configure("a", Allow("\"all\""));
        await service.ReloadAsync();
        Assert.Equal(["virtual", "system"], [await AskAsync(Alice), await AskAsync(Bob)]);

        await lan.StopServiceAsync("a");
        Assert.False(File.Exists(Path.Combine(lan.Home("a"), StateFiles.InterceptPath)));
        Assert.False(File.Exists(socket));

        string Allow(string networks) => $$"""{ "lanyard": { "intercept": { "socket": "{{socket}}", "mode": "0666", "users": { "{{Alice}}": {{networks}} } } } }""";

        // Whose is the name of this node: the system's, or one of a network that the user may use?
        async Task<string> AskAsync(uint user)
        {
            const string Script = """
                use Socket;
                socket(S, PF_UNIX, SOCK_SEQPACKET, 0) and connect(S, pack_sockaddr_un($ARGV[0])) and send(S, pack("LSSQlLx72", 0x3449594c, 8, 0, 0, 0, 0) . $ARGV[1], 0) or die $!;
                recv(S, $reply, 4096, 0);
                print((unpack("LlS", $reply))[2] ? "virtual" : "system");
                """;
            var start = new ProcessStartInfo("/usr/bin/setpriv", [$"--reuid={user}", "--clear-groups", "/usr/bin/perl", "-e", Script, socket, service.Node.Address.ToString()])
            {
                RedirectStandardOutput = true,
                WorkingDirectory = "/",
            };
            using var program = Process.Start(start)!;
            var answer = await program.StandardOutput.ReadToEndAsync(ServiceLan.Guard);
            await program.WaitForExitAsync(ServiceLan.Guard);
            return answer;
        }
    }

    [Fact]
    public async Task Another_socket_is_taken_at_the_next_start_and_a_file_in_its_place_is_left_alone()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Programs' sockets are redirected on Linux only.");
        using var folder = new TestFolder();
        using var log = new LogCollector();
        File.WriteAllText(folder.PathOf("identity.secret"), TestData.Text("peer-1.14", "a.identity.secret"));
        var (own, other) = (folder.PathOf("intercept.sock"), folder.PathOf("other"));
        await using (var service = await StartAsync())
        {
            Assert.Equal(own, File.ReadAllText(folder.PathOf(StateFiles.InterceptPath)));
            File.WriteAllText(folder.PathOf("local.conf"), $$"""{ "lanyard": { "intercept": { "socket": "{{other}}" } } }""");
            await service.ReloadAsync();
            Assert.Contains("The change of lanyard.intercept.socket takes effect at the next start of the service.", log.Lines);
            Assert.True(File.Exists(own));
            Assert.False(File.Exists(other));
        }

        File.WriteAllText(other, "mine");
        var refused = await Assert.ThrowsAsync<LanyardStateException>(StartAsync);
        Assert.Contains(other, refused.Message, StringComparison.Ordinal);
        Assert.Equal("mine", File.ReadAllText(other));
        File.Delete(other);
        await using (await StartAsync())
            Assert.Equal((true, false), (File.Exists(other), File.Exists(own)));

        Task<LanyardService> StartAsync() => LanyardService.StartAsync(new LanyardServiceOptions { HomeDirectory = folder.PathOf(), Port = 0, LoggerFactory = log }, ServiceLan.Guard);
    }

    private static InterceptSettings Parse(string section) => LocalConfiguration.Parse("local.conf", $$"""{ "lanyard": { "intercept": {{section}} } }""").Intercept;
}
