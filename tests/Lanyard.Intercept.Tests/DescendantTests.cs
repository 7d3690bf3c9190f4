namespace Lanyard.Intercept.Tests;

/// <summary>Programs that preloaded programs start are redirected too, or refused: no traffic leaves the LAN silently.</summary>
[System.Runtime.Versioning.SupportedOSPlatform("linux")]
public sealed class DescendantTests(ProgramLan lan) : IClassFixture<ProgramLan>
{
    // Prints whether a socket is on the LAN or on the system's network: a socket on the LAN has a loopback alias address.
    private const string Where = """
        import socket
        s = socket.create_server(("0.0.0.0", 0))
        near = [line.split()[1] for line in open("/proc/net/tcp") if line.split()[9] == str(__import__("os").fstat(s.fileno()).st_ino)][0]
        print("virtual" if near[6:8] == "7F" else "system", flush=True)
        """;

    public static TheoryData<string> Ways =>
    [
        "os.execve(sys.executable, ARGS, {})",
        "os.environ.clear(); os.execv(sys.executable, ARGS)",
        "os.environ.clear(); os.environ['PATH'] = os.path.dirname(sys.executable); os.execvp(os.path.basename(sys.executable), ARGS)",
        "os.execve(os.open(sys.executable, os.O_RDONLY), ARGS, {})",
        "os.waitpid(os.posix_spawn(sys.executable, ARGS, {}), 0)",
        "os.waitpid(os.posix_spawnp(sys.executable, ARGS, {}), 0)",
        "subprocess.run(ARGS, env={})",
        "ctypes.CDLL(None).clearenv(); ctypes.CDLL(None).system(shlex.join(ARGS).encode())",
        "libc = ctypes.CDLL(None); libc.clearenv(); libc.popen.restype = ctypes.c_void_p; libc.pclose(ctypes.c_void_p(libc.popen(shlex.join(ARGS).encode(), b'w')))",
        "libc = ctypes.CDLL(None); libc.clearenv(); libc.execl(sys.executable.encode(), *[a.encode() for a in ARGS], None)",
        "libc = ctypes.CDLL(None); libc.execle(sys.executable.encode(), *[a.encode() for a in ARGS], None, (ctypes.c_char_p * 1)(None))",
        "libc = ctypes.CDLL(None); libc.clearenv(); libc.execlp(sys.executable.encode(), *[a.encode() for a in ARGS], None)",
        "os.execve(sys.executable, ARGS, {'LD_PRELOAD': ''})",
        "subprocess.run(['env', '-i', *ARGS])",
    ];

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task A_program_that_is_started_without_an_environment_is_on_the_LAN(string way)
    {
        lan.Require("python3");
        var where = WriteWhere();
        var script = $"import ctypes, os, shlex, subprocess, sys\nARGS = [sys.executable, '{where}']\n{way}\n";
        Assert.Equal((0, "virtual\n"), await lan.RunAsync("a", "python3", "-c", script));
    }

    [Fact]
    public async Task A_function_of_the_C_library_that_is_looked_up_by_name_is_redirected()
    {
        lan.Require("python3");
        const string Script = """
            import ctypes, os, socket, struct
            libc = ctypes.CDLL("libc.so.6", use_errno=True)
            s = libc.socket(socket.AF_INET, socket.SOCK_STREAM, 0)
            assert libc.bind(s, struct.pack("@HH12x", socket.AF_INET, 0), 16) == 0 and libc.listen(s, 1) == 0
            near = [line.split()[1] for line in open("/proc/net/tcp") if line.split()[9] == str(os.fstat(s).st_ino)][0]
            print("virtual" if near[6:8] == "7F" else "system", flush=True)
            """;
        Assert.Equal((0, "virtual\n"), await lan.RunAsync("a", "python3", "-c", Script));
    }

    [Fact]
    public async Task A_static_program_is_started_only_where_the_user_allows_it()
    {
        lan.Require("gcc");
        var source = Path.Combine(lan.Folder, "static.c");
        File.WriteAllText(source, "#include <stdio.h>\nint main(void) { puts(\"ran\"); return 0; }\n");
        var program = Path.Combine(lan.Folder, "static-program");
        await using (var build = ProgramProcess.Start(lan.Folder, ProgramProcess.Find("gcc")!, "-static", "-o", program, source))
        {
            if (await build.WaitAsync() != 0)
                Assert.Skip($"gcc does not build static programs here: {build.Output}");
        }

        foreach (var way in new[] { $"exec {program}", $"{program}; exit $?", $"env -i {program}", $"echo '#!{program}' > script-$$; chmod +x script-$$; ./script-$$" })
        {
            var (code, output) = await lan.RunAsync("a", "sh", "-c", way);
            Assert.True(code != 0 && !output.Contains("ran\n", StringComparison.Ordinal) && output.Contains("static program", StringComparison.Ordinal)
                && output.Contains("--engine supervise", StringComparison.Ordinal) && output.Contains("--allow-outside", StringComparison.Ordinal), $"{way}: {code}, {output}");
            await using var allowed = lan.StartWith("a", ["--allow-outside"], "sh", "-c", way);
            Assert.True(await allowed.WaitAsync() == 0 && allowed.Output == "ran\n", $"{way}: {allowed.Output}");
            await using var supervised = lan.StartWith("a", ["--engine", "supervise"], "sh", "-c", way);
            Assert.True(await supervised.WaitAsync() == 0 && supervised.Output == "ran\n", $"{way}: {supervised.Output}");
        }

        await using var forced = lan.StartWith("a", ["--engine", "preload"], program);
        Assert.NotEqual(0, await forced.WaitAsync());
        Assert.Contains("--engine supervise", forced.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_shell_pings_a_member_with_the_systems_privileged_ping()
    {
        lan.Require("ping");
        // If ping is set-user-ID or has capabilities, the library is preloaded only when the dynamic linker starts it.
        var (code, output) = await lan.RunAsync("a", "sh", "-c", $"ping -c 1 -W 20 {lan.Address("b")}");
        Assert.True(code == 0 && output.Contains("1 received", StringComparison.Ordinal), output);
    }

    [Fact]
    public async Task A_program_with_privileges_of_its_file_is_not_started_with_them()
    {
        lan.Require("python3");
        Assert.SkipUnless(Environment.IsPrivilegedProcess && Unprivileged.IsSo, "It takes the superuser to give a file privileges.");
        var program = Path.Combine(lan.Folder, "privileged-python");
        File.Copy(Path.GetFullPath(new FileInfo(ProgramProcess.Find("python3")!).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? ProgramProcess.Find("python3")!), program);
        File.SetUnixFileMode(program, (UnixFileMode)0b100_111_101_101);
        var (code, output) = await lan.RunAsync("a", "sh", "-c", $"PYTHONHOME=/usr {program} {WriteWhere()}");
        Assert.Equal((0, "virtual\n"), (code, output));
        // The kind of an unreadable program is unknown.
        File.SetUnixFileMode(program, (UnixFileMode)0b100_001_001_001);
        (code, output) = await lan.RunAsync("a", "sh", "-c", $"PYTHONHOME=/usr {program} {WriteWhere()}");
        Assert.True(code != 0 && output.Contains("cannot be read", StringComparison.Ordinal), output);
    }

    [Fact]
    public async Task A_folder_with_a_space_and_a_dollar_sign_in_its_path_does_not_keep_programs_off_the_LAN()
    {
        lan.Require("python3");
        var folder = Path.Combine(lan.Folder, "the $ORIGIN folder");
        CopyFolder(AppContext.BaseDirectory, folder);
        Unprivileged.Own(folder);
        await using var program = ProgramProcess.Start(
            lan.Folder, "dotnet", Path.Combine(folder, "Lanyard.Cli.dll"), "run", "--home", lan.Home("a"), "--", ProgramProcess.Find("python3")!, WriteWhere());
        Assert.True(await program.WaitAsync() == 0, program.Output);
        Assert.Equal("virtual\n", program.Output);
    }

    private string WriteWhere()
    {
        var file = Path.Combine(lan.Folder, "where.py");
        if (!File.Exists(file))
            File.WriteAllText(file, Where);
        return file;
    }

    // Copy the files, because the runtime resolves links.
    private static void CopyFolder(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var file in Directory.GetFiles(from, "*", SearchOption.AllDirectories))
        {
            var copy = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
    }
}
