using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Lanyard.Primitives;
using Lanyard.Service.Tests;
using Lanyard.Wire;
using Lanyard.Wire.Tests;

namespace Lanyard.Cli.Tests;

/// <summary>The files of a service with everything on have the modes of the table in docs/service.md, whatever the umask is, and reach the disk in order.</summary>
public sealed partial class StateModeTests
{
    private const string Local = """
        { "lanyard": { "proxies": [ { "listen": "127.0.0.1:0", "user": "joe", "password": "secret" } ] } }
        """;

    [Theory]
    [InlineData("000", "0644")]
    [InlineData("022", "0644")]
    [InlineData("077", "0600")]
    public async Task All_files_of_a_service_have_the_modes_of_the_table(string umask, string everyone)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "File modes are a matter of Unix, and programs' sockets of Linux.");
        using var folder = new TestFolder();
        var home = folder.PathOf("home");
        MakeHome(home);
        var seen = new SortedDictionary<string, string>(StringComparer.Ordinal);
        using (var service = CommandProcess.StartUnder(umask, "service", "--home", home, "--port", "0", "--controller"))
        {
            await service.WaitForErrorAsync("Node ");
            using var api = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = new Uri($"http://127.0.0.1:{File.ReadAllText(Path.Combine(home, "zerotier-one.port"))}") };
            api.DefaultRequestHeaders.Add("X-ZT1-Auth", File.ReadAllText(Path.Combine(home, "authtoken.secret")));
            var network = (await PostAsync(api, "/controller/network", """{ "private": false, "v4AssignMode": { "zt": true }, "routes": [ { "target": "10.1.0.0/24" } ], "ipAssignmentPools": [ { "ipRangeStart": "10.1.0.2", "ipRangeEnd": "10.1.0.9" } ] }""")).GetProperty("id").GetString()!;
            await PostAsync(api, $"/network/{network}", """{ "allowGlobal": true }""");
            await PostAsync(api, "/config/settings", """{ "primaryPort": 9994 }""");
            // A program that listens is remembered.
            using var program = CommandProcess.StartUnder(umask, "run", "--home", home, "--", "perl", "-MIO::Socket::INET", "-e",
                """my $s = IO::Socket::INET->new(Listen => 1, LocalPort => 8080, ReuseAddr => 1) or die "no port: $!"; print STDERR "listening\n"; <STDIN>""");
            var isRun = File.Exists(Path.Combine(AppContext.BaseDirectory, "liblanyard-intercept.so")) && File.Exists("/usr/bin/perl");
            if (isRun)
                await program.WaitForErrorAsync("listening");
            string[] awaited = [$"networks.d/{network}.conf", $"networks.d/{network}.local.conf", .. isRun ? ["intercept.json"] : Array.Empty<string>()];
            while (!awaited.All(name => File.Exists(Path.Combine(home, name))))
                await Task.Delay(20, CommandProcess.Guard);
            List(home, seen);
            Assert.Equal(ExitCode.Ok, await service.TerminateAsync());
        }

        List(home, seen);
        var table = ReadTable();
        foreach (var (name, mode) in seen)
        {
            var row = table.Where(row => row.Name.IsMatch(name)).ToArray();
            Assert.True(row.Length == 1, $"{name} is in {row.Length} rows of the table.");
            Assert.True((row[0].Mode == "0644" ? everyone : row[0].Mode) == mode, $"The mode of {name} is {mode}, in the table {row[0].Mode}.");
        }

        // No row of what never is.
        foreach (var row in table.Where(row => !row.IsOptional))
            Assert.True(seen.Keys.Any(row.Name.IsMatch), $"Nothing was made that is {row.Name}.");
    }

    [Fact]
    public async Task A_file_is_flushed_before_its_rename_and_its_folder_after_it()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && File.Exists("/usr/bin/strace"), "It takes strace to see what the system is asked.");
        using var folder = new TestFolder();
        var trace = folder.PathOf("trace");
        using var process = Process.Start(new ProcessStartInfo(
            "strace", ["-f", "-y", "-o", trace, "-e", "trace=openat,open,fsync,rename,renameat,renameat2,link,linkat", "dotnet", Path.Combine(AppContext.BaseDirectory, "Lanyard.Cli.dll"), "identity", "new", "--out", folder.PathOf("node.secret")])
            { RedirectStandardError = true, RedirectStandardOutput = true })!;
        await process.WaitForExitAsync(CommandProcess.Guard);
        Assert.SkipUnless(process.ExitCode == 0, "This user may not trace programs.");
        var lines = File.ReadAllLines(trace);
        var made = Array.FindIndex(lines, line => line.Contains("node.secret.new-", StringComparison.Ordinal) && line.Contains("O_EXCL", StringComparison.Ordinal) && line.Contains("0600", StringComparison.Ordinal));
        var file = Array.FindIndex(lines, line => line.Contains("fsync(", StringComparison.Ordinal) && line.Contains("node.secret.new-", StringComparison.Ordinal));
        var named = Array.FindIndex(lines, line => (line.Contains(" rename", StringComparison.Ordinal) || line.Contains(" link", StringComparison.Ordinal)) && line.Contains("node.secret.new-", StringComparison.Ordinal));
        var parent = Array.FindIndex(lines, Math.Max(named, 0), line => line.Contains("fsync(", StringComparison.Ordinal) && line.Contains($"<{folder.PathOf()}>", StringComparison.Ordinal));
        Assert.True(made >= 0 && made < file && file < named && named < parent, string.Join('\n', lines.Where(line => line.Contains(folder.PathOf(), StringComparison.Ordinal))));
    }

    [Fact]
    public void Private_files_of_the_command_line_have_mode_0600_and_replace_planted_links()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "File modes are a matter of Unix.");
        using var folder = new TestFolder();
        var victim = folder.PathOf("victim");
        File.WriteAllText(victim, "untouched");
        // Where the old one is readable, and open, what is new is not.
        var capture = folder.PathOf("capture.pcapng");
        File.WriteAllText(capture, "old");
        FileModes.Set(capture, "0604");
        using (var open = File.OpenRead(capture))
        using (var written = Files.OpenWrite(capture))
        {
            written.Write("new"u8);
            written.Flush();
            Assert.Equal("old", new StreamReader(open).ReadToEnd());
            Assert.Equal("0600", FileModes.Of(capture));
        }

        var secret = folder.PathOf("definition.json");
        File.CreateSymbolicLink(secret, victim);
        File.CreateSymbolicLink(secret + ".new", victim);
        Files.Replace(secret, "secret"u8.ToArray());
        Assert.Equal("untouched", File.ReadAllText(victim));
        Assert.Equal("secret", File.ReadAllText(secret));
        Assert.Equal("0600", FileModes.Of(secret));
        Assert.Throws<CommandException>(() => Files.Create(secret, "other"u8.ToArray(), secret: true));
        Assert.Equal("secret", File.ReadAllText(secret));
        // A device stays one.
        Files.Write("/dev/null", "x"u8.ToArray());
        Assert.False(File.ResolveLinkTarget("/dev/null", false) is not null || File.ReadAllText("/dev/null").Length > 0);
    }

    private static void MakeHome(string home)
    {
        Directory.CreateDirectory(Path.Combine(home, "moons.d"));
        Directory.CreateDirectory(Path.Combine(home, "peers.d"));
        using var identity = TestData.SecretIdentity("peer-1.14", "r");
        using var root = TestData.SecretIdentity("peer-1.14", "a");
        using var key = WorldKey.Generate(RandomNumberGenerator.Fill);
        EquatableArray<WorldRoot> roots = [new WorldRoot(root.WithoutSecret(), [new InetEndpoint(InetAddress.Parse("127.0.0.1"), 9)])];
        var moon = World.Create(WorldType.Moon, root.Address.Value, 1, key.PublicKey, roots, key);
        // As an existing node's, which anyone may read.
        foreach (var (name, content) in new (string, byte[])[]
        {
            ("identity.secret", System.Text.Encoding.ASCII.GetBytes(identity.ToSecretString())),
            ("planet", World.Create(WorldType.Planet, 7, 1, key.PublicKey, roots, key).ToArray()),
            ($"moons.d/{root.Address.Value:x16}.moon", moon.ToArray()),
            ($"peers.d/{root.Address}.peer", [0]),
            ("local.conf", System.Text.Encoding.UTF8.GetBytes(Local)),
        })
            File.WriteAllBytes(Path.Combine(home, name), content);
    }

    private static async Task<System.Text.Json.JsonElement> PostAsync(HttpClient api, string path, string body)
    {
        using var response = await api.PostAsync(new Uri(path, UriKind.Relative), new StringContent(body), CommandProcess.Guard);
        var text = await response.Content.ReadAsStringAsync(CommandProcess.Guard);
        Assert.True(response.IsSuccessStatusCode, text);
        using var document = System.Text.Json.JsonDocument.Parse(text);
        return document.RootElement.Clone();
    }

    private static void List(string home, SortedDictionary<string, string> seen)
    {
        foreach (var path in Directory.EnumerateFileSystemEntries(home, "*", SearchOption.AllDirectories))
        {
            // What is being written at this moment has its mode, too, and another name.
            var name = Path.GetRelativePath(home, path) + (Directory.Exists(path) ? "/" : "");
            if (!name.Contains(".new-", StringComparison.Ordinal))
                seen[name] = FileModes.Of(path);
        }
    }

    private static List<(Regex Name, string Mode, bool IsOptional)> ReadTable()
    {
        var rows = new List<(Regex, string, bool)>();
        var lines = File.ReadAllLines(Path.Combine(TestData.PathOf("..", "..", "docs"), "service.md"));
        foreach (var line in lines.SkipWhile(line => !line.StartsWith("| file | mode |", StringComparison.Ordinal)).Skip(2).TakeWhile(line => line.StartsWith('|')))
        {
            var cells = line.Split('|', StringSplitOptions.TrimEntries);
            foreach (Match name in QuotedName().Matches(cells[1]))
            {
                var pattern = Regex.Escape(name.Groups[1].Value).Replace("ID", "[0-9a-f]{16}", StringComparison.Ordinal).Replace("ADDRESS", "[0-9a-f]{10}", StringComparison.Ordinal);
                rows.Add((new Regex($"^{pattern}$"), cells[2], cells[1].Contains("(where", StringComparison.Ordinal)));
            }
        }

        return rows;
    }

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex QuotedName();
}
