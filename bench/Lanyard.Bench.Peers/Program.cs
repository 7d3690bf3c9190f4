using System.Globalization;
using System.Runtime.InteropServices;
using Lanyard.Bench.Peers.Lab;
using Lanyard.Bench.Peers.Report;
using Lanyard.Bench.Peers.Worker;

namespace Lanyard.Bench.Peers;

/// <summary>
/// Measures Lanyard, ZeroTier One and libzt in the same network namespaces, taking turns, and prints a table of medians and ratios. Linux and root.
/// </summary>
internal static class Program
{
    private const int UdpPort = 5202;

    private const string Help = """
        Usage: bench/peers [--rounds N] [--seconds S] [--out FOLDER] [--only SUBJECT,...]
          --rounds   how often each is measured, in turn (3)
          --seconds  how long each figure is measured (3)
          --out      where figures.json, peers.md and peers.svg are written (artifacts/peers)
          --only     lanyard, zerotier, mixed, libzt, machine (all)
        Environment: ZEROTIER_ONE, a ZeroTier One binary; ZTSPERF, a program built on libzt. What is not given is not measured.
        """;

    public static async Task<int> Main(string[] arguments)
    {
        switch (arguments)
        {
            case ["worker", .. var rest]:
                return await WorkerProgram.RunAsync(rest);
            case ["udp-receive", var offload, var seconds]:
                Console.WriteLine(await UdpLimit.ReceiveAsync(UdpPort, offload == "offload", Seconds(seconds), () => Console.WriteLine("ready")));
                return 0;
            case ["udp-send", var address, var offload, var seconds]:
                UdpLimit.Send(address, UdpPort, offload == "offload", Seconds(seconds));
                return 0;
        }

        if (!TryParse(arguments, out var rounds, out var duration, out var folder, out var only))
        {
            Console.Error.WriteLine(Help);
            return 2;
        }

        var figures = new Figures();
        var cipher = CipherLimit.Measure();
        await RunAsync(figures, rounds, duration, only);
        if (figures.All.Count == 0)
        {
            Console.Error.WriteLine("Nothing was measured.");
            return 1;
        }

        var machine = Machine.Describe($"bench/peers {string.Join(' ', arguments)}".TrimEnd());
        Directory.CreateDirectory(folder);
        var report = MarkdownReport.Write(figures, machine, cipher);
        JsonReport.Write(Path.Combine(folder, "figures.json"), figures, machine, cipher);
        await File.WriteAllTextAsync(Path.Combine(folder, "peers.md"), report);
        await File.WriteAllTextAsync(Path.Combine(folder, "peers.svg"), SvgPlot.Write(figures, machine));
        Console.Write(report);
        return 0;
    }

    /// <summary>The command line that starts this program again.</summary>
    public static IEnumerable<string> Line(params IEnumerable<string> arguments) =>
        ["dotnet", Path.Combine(AppContext.BaseDirectory, "Lanyard.Bench.Peers.dll"), .. arguments];

    /// <summary>The command line of the lanyard command.</summary>
    public static IEnumerable<string> LanyardLine(params IEnumerable<string> arguments)
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Lanyard.slnx")))
            folder = folder.Parent;
        return arguments.Prepend(Path.Combine(folder?.FullName ?? ".", "lanyard"));
    }

    private static async Task RunAsync(Figures figures, int rounds, double seconds, string[] only)
    {
        var zeroTierOne = Given("ZEROTIER_ONE");
        var libzt = Given("ZTSPERF");
        bool IsWanted(string subject) => only.Length == 0 || only.Contains(subject);
        await using var lab = await BenchLab.CreateAsync(zeroTierOne);
        var subjects = new List<ISubject>();
        if (IsWanted("lanyard"))
        {
            var a = await Lab.Worker.StartAsync(lab.A, "lanyard", await lab.NewMemberAsync(lab.A, "lanyard"), lab.Network);
            var b = await Lab.Worker.StartAsync(lab.B, "lanyard", await lab.NewMemberAsync(lab.B, "lanyard"), lab.Network);
            subjects.Add(new WorkerPair(Subject.Lanyard, a, b, [], WorkerPair.Measures.All));
        }

        if (zeroTierOne is not null && (IsWanted("zerotier") || IsWanted("mixed")))
        {
            var (kernelA, nodeA) = await ZeroTierOne.StartAsync(lab, lab.A, zeroTierOne);
            var (kernelB, nodeB) = await ZeroTierOne.StartAsync(lab, lab.B, zeroTierOne);
            if (IsWanted("zerotier"))
                subjects.Add(new WorkerPair(Subject.ZeroTierOne, kernelA, kernelB, [nodeA, nodeB], WorkerPair.Measures.All));
            if (IsWanted("mixed"))
            {
                var app = await Lab.Worker.StartAsync(lab.A, "lanyard", await lab.NewMemberAsync(lab.A, "mixed"), lab.Network);
                subjects.Add(new WorkerPair(Subject.LanyardWithZeroTierOne, app, kernelB, [nodeB], WorkerPair.Measures.Basic));
            }
        }

        if (libzt is not null && IsWanted("libzt"))
            subjects.Add(new LibztSubject(lab, libzt, await lab.NewMemberAsync(lab.LibztA, "libzt"), await lab.NewMemberAsync(lab.LibztB, "libzt")));
        if (IsWanted("machine"))
        {
            var a = await Lab.Worker.StartAsync(lab.A, "kernel", BenchLab.AddressA);
            var b = await Lab.Worker.StartAsync(lab.B, "kernel", BenchLab.AddressB);
            subjects.Add(new WorkerPair(Subject.Kernel, a, b, [], WorkerPair.Measures.OneStream));
            subjects.Add(new UdpSubject(lab, isOffloaded: false));
            subjects.Add(new UdpSubject(lab, isOffloaded: true));
        }

        // Asked to end, it does so with everything that it started, and reports what it has.
        var isStopping = false;
        void Stop(PosixSignalContext context) => (context.Cancel, isStopping) = (true, true);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);

        // The first round warms up: connections between peers are made, and the runtime has compiled what runs often.
        for (var round = 0; round <= rounds; round++)
        {
            foreach (var subject in subjects)
            {
                var isWarmUp = round == 0;
                if (isStopping || (isWarmUp && subject is not WorkerPair))
                    continue;
                await subject.MeasureAsync(isWarmUp ? new Figures() : figures, round, isWarmUp ? Math.Min(1, seconds) : seconds);
            }
        }
    }

    private static string? Given(string variable)
    {
        var path = Environment.GetEnvironmentVariable(variable);
        if (!string.IsNullOrEmpty(path) && File.Exists(path))
            return path;
        Console.Error.WriteLine(string.IsNullOrEmpty(path) ? $"{variable} is not given: left out." : $"{variable} names '{path}', which does not exist: left out.");
        return null;
    }

    private static TimeSpan Seconds(string word) => TimeSpan.FromSeconds(double.Parse(word, CultureInfo.InvariantCulture));

    private static bool TryParse(string[] arguments, out int rounds, out double seconds, out string folder, out string[] only)
    {
        (rounds, seconds, folder, only) = (3, 3, Path.Combine("artifacts", "peers"), []);
        for (var i = 0; i < arguments.Length; i += 2)
        {
            if (i + 1 >= arguments.Length)
                return false;
            var value = arguments[i + 1];
            switch (arguments[i])
            {
                case "--rounds" when int.TryParse(value, CultureInfo.InvariantCulture, out rounds) && rounds is >= 1 and <= 100:
                case "--seconds" when double.TryParse(value, CultureInfo.InvariantCulture, out seconds) && seconds is >= 0.2 and <= 60:
                    break;
                case "--out":
                    folder = value;
                    break;
                case "--only":
                    only = value.Split(',');
                    break;
                default:
                    return false;
            }
        }

        return true;
    }
}
