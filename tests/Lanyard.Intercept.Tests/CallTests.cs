using System.Text;

namespace Lanyard.Intercept.Tests;

/// <summary>
/// Every system call with an address and every call that opens a socket, with both engines: redirected, refused, or passed to the system. Writes the table of
/// docs/programs.md.
/// </summary>
[System.Runtime.Versioning.SupportedOSPlatform("linux")]
public sealed class CallTests(ProgramLan lan) : IClassFixture<ProgramLan>
{
    private const string Redirected = "redirected";
    private const string Passed = "passed";

    // The expected results that differ from "redirected" (towards the LAN) and "refused (ENETUNREACH)" (with --isolate).
    private static readonly Dictionary<string, (string Preload, string Supervise, string Isolated)> s_exceptions = new()
    {
        ["send (TCP, MSG_OOB)"] = ("refused (EOPNOTSUPP)", "refused (EOPNOTSUPP)", "refused (ENETUNREACH)"),
        ["bind, listen, accept, accept4, getsockname, getpeername (TCP)"] = (Redirected, Redirected, Redirected),
        ["socket (UDP-Lite)"] = (Passed, Passed, "refused (EPROTONOSUPPORT)"),
        ["socket (raw)"] = ("refused (EPERM)", "refused (EPERM)", "refused (EPROTONOSUPPORT)"),
        ["socket (packet)"] = ("refused (EPERM)", "refused (EPERM)", "refused (EAFNOSUPPORT)"),
        ["socket (local)"] = (Passed, Passed, Passed),
        ["socket (netlink)"] = (Passed, Passed, Passed),
        ["io_uring_setup (connect, accept, send, socket, ... of io_uring)"] = (Passed, "refused (ENOSYS)", "refused (ENOSYS)"),
        ["socket (of 32-bit programs)"] = (Passed, "refused (ENOSYS)", "refused (ENOSYS)"),
        ["connect (TCP, past the C library)"] = (Passed, Redirected, "refused (ENETUNREACH)"),
    };

    [Fact]
    public async Task Each_call_is_redirected_refused_or_passed_as_documented()
    {
        var program = await Compiled.OfC(lan, "calls.c");
        var server = await Compiled.OfC(lan, "supervised.c");
        if (LifeTests.FindHostAddress() is not { } own)
        {
            Assert.Skip("This machine has no address but loopback ones.");
            return;
        }

        await using var there = await lan.ServeAsync(8700, server, "serve", "8700");
        await using var here = ProgramProcess.Start(lan.Folder, server, "serve", "8700");
        await using var plain = ProgramProcess.Start(lan.Folder, program, $"{own}", "8700", $"{own}");
        var native = await ReadAsync(plain, isLan: false);
        var toLan = new List<Dictionary<string, string>>();
        var toSystem = new List<Dictionary<string, string>>();
        foreach (var engine in new[] { "preload", "supervise" })
        {
            toLan.Add(await TryAsync(["--engine", engine], program, lan.Address("b"), isLan: true));
            toSystem.Add(await TryAsync(["--engine", engine, "--isolate"], program, $"{own}", isLan: false));
        }

        var table = new StringBuilder("| call | preload | supervise | preload, --isolate | supervise, --isolate |\n|---|---|---|---|---|\n");
        foreach (var call in toLan[0].Keys)
        {
            var (preload, supervise, isolated) = s_exceptions.GetValueOrDefault(call, (Redirected, Redirected, "refused (ENETUNREACH)"));
            // The call bypasses the library, and a seccomp filter does not inspect addresses.
            var isolatedPreload = call == "connect (TCP, past the C library)" ? Passed : isolated;
            // This machine's kernel refuses a call that it does not support, so the call cannot be passed.
            string Here(string expected) => expected == Passed && native[call].StartsWith("refused", StringComparison.Ordinal) ? native[call] : expected;
            Assert.Equal((call, Here(preload), Here(supervise), Here(isolatedPreload), Here(isolated)), (call, toLan[0][call], toLan[1][call], toSystem[0][call], toSystem[1][call]));
            table.Append($"| {call} | {preload} | {supervise} | {isolatedPreload} | {isolated} |\n");
        }

        DocumentTable.Write("calls", table.ToString());
    }

    private async Task<Dictionary<string, string>> TryAsync(string[] options, string program, string address, bool isLan)
    {
        await using var run = lan.StartWith("a", options, program, address, "8700", lan.Address("a"));
        return await ReadAsync(run, isLan);
    }

    private static async Task<Dictionary<string, string>> ReadAsync(ProgramProcess run, bool isLan)
    {
        Assert.True(await run.WaitAsync() == 0, run.Output);
        return run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split('|')).ToDictionary(words => words[0], words => words[1] switch
        {
            // Only the server on the LAN answers at the LAN's address.
            "answered" => isLan || words[0].StartsWith("bind", StringComparison.Ordinal) ? Redirected : Passed,
            "opened" => Passed,
            // The call bypassed the redirection: on the system's network, no host has the LAN's address.
            "silent" or "EHOSTUNREACH" or "ENETUNREACH" or "ETIMEDOUT" or "ECONNREFUSED" when isLan => Passed,
            var error => $"refused ({error})",
        });
    }
}
