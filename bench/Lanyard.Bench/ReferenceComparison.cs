using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Lanyard.Wire;
using Lanyard.Wire.Crypto;

namespace Lanyard.Bench;

/// <summary>
/// <c>reference</c>: runs the self-test of the reference implementation, a program that ZEROTIER_SELFTEST in the environment names, then the same
/// work here, on one core, and prints both with their ratios.
/// </summary>
internal static partial class ReferenceComparison
{
    private const double Mebibyte = 1 << 20;

    /// <summary>The self-test divides the time of 1000 signatures by 50, and signs a message of 16 KiB, hash and all.</summary>
    private const double SignaturesPerPrintedOne = 1000 / 50.0;

    /// <summary>Where it divides milliseconds by 1024 for seconds, its rates are so much too high.</summary>
    private const double TrueSecond = 1000 / 1024.0;

    private const int DefaultRounds = 5;

    private static readonly TimeSpan SelfTestLimit = TimeSpan.FromMinutes(4);
    private static readonly TimeSpan MeasuringTime = TimeSpan.FromSeconds(1);

    /// <summary>Compares.</summary>
    /// <param name="arguments">How many rounds, if not five.</param>
    public static int Run(string[] arguments)
    {
        var rounds = arguments.Length > 0 ? int.Parse(arguments[0], CultureInfo.InvariantCulture) : DefaultRounds;
        if (Environment.GetEnvironmentVariable("ZEROTIER_SELFTEST") is not { Length: > 0 } program || !File.Exists(program))
        {
            Console.Error.WriteLine("ZEROTIER_SELFTEST does not name the reference's self-test program.");
            return 1;
        }

        using var work = new ReferenceWork();
        Item[] items =
        [
            new("Salsa20/12, its assembler", ReferenceWork.StreamBytes, SalsaAssembler(), TrueSecond, work.Salsa),
            new("Salsa20/12, its C++", ReferenceWork.StreamBytes, Salsa(), TrueSecond, work.Salsa),
            new("Poly1305", ReferenceWork.StreamBytes, Poly(), 1, work.Authenticate),
            new("AES-GMAC-SIV", ReferenceWork.MessageBytes, Aes(), TrueSecond, work.Encrypt),
            new("X25519 agreement and its hash", 0, Agreement(), 1000, work.Agree),
            new("Ed25519 signature of 16 KiB", 0, Signature(), 1000 / SignaturesPerPrintedOne, work.SignLong),
            new("Ed25519 signature of 200 bytes", 0, null, 1, work.SignShort),
            new("Ed25519 verification, 200 bytes", 0, null, 1, work.Verify),
            new("identity validation", 0, Validation(), 1000, work.Validate),
            new("identity generation (random number of attempts)", 0, Generation(), 1000, work.Generate),
        ];
        for (var round = 0; round < rounds; round++)
        {
            var printed = RunSelfTest(program);
            foreach (var item in items)
                item.Add(printed, Seconds(item.Work, isFirst: round == 0));
        }

        Console.WriteLine($"Medians of {rounds} rounds, taking turns, on one core; and the best round of each, since what else the machine does only slows.");
        Console.WriteLine();
        Console.WriteLine("| | unit | reference's self-test | Lanyard | times as fast | the best of each | times as fast |");
        Console.WriteLine("|---|---|---|---|---|---|---|");
        foreach (var item in items)
            Console.WriteLine(item);
        return 0;
    }

    private static string RunSelfTest(string program)
    {
        using var process = Process.Start(new ProcessStartInfo(program) { RedirectStandardOutput = true, WorkingDirectory = Path.GetTempPath() })
            ?? throw new InvalidOperationException($"'{program}' did not start.");
        using var guard = new Timer(_ => process.Kill(), null, SelfTestLimit, Timeout.InfiniteTimeSpan);
        var lines = new List<string>();
        var hasIdentities = false;

        // What follows the identities has no figures in it.
        while (process.StandardOutput.ReadLine() is { } line && (!hasIdentities || line.StartsWith("[identity]", StringComparison.Ordinal)))
        {
            lines.Add(line);
            hasIdentities |= line.StartsWith("[identity] Generate", StringComparison.Ordinal);
        }

        process.Kill();
        process.WaitForExit();
        return string.Join('\n', lines);
    }

    /// <summary>The mean time of an operation in seconds; at first, once the runtime has compiled it for good.</summary>
    private static double Seconds(Action operation, bool isFirst)
    {
        for (var warmUp = 0; isFirst && warmUp < 4; warmUp++)
        {
            Measure(operation, MeasuringTime / 4);
            // Leaves the processor to the runtime, which compiles what is called often anew, in the background, 100 ms after the last new method.
            Thread.Sleep(150);
        }

        return Measure(operation, MeasuringTime);
    }

    private static double Measure(Action operation, TimeSpan duration)
    {
        var (start, count) = (Stopwatch.GetTimestamp(), 0L);
        for (; Stopwatch.GetElapsedTime(start) < duration; count++)
            operation();
        return Stopwatch.GetElapsedTime(start).TotalSeconds / count;
    }

    [GeneratedRegex(@"Salsa20/12 fast x64 ASM\.\.\. ([\d.e+]+) MiB")]
    private static partial Regex SalsaAssembler();

    [GeneratedRegex(@"Benchmarking Salsa20/12\.\.\. ([\d.e+]+) MiB")]
    private static partial Regex Salsa();

    [GeneratedRegex(@"Benchmarking Poly1305\.\.\. ([\d.e+]+) MiB")]
    private static partial Regex Poly();

    [GeneratedRegex(@"Benchmarking AES-GMAC-SIV\.\.\. ([\d.e+]+) MiB")]
    private static partial Regex Aes();

    [GeneratedRegex(@"key agreement\.\.\. ([\d.e+-]+)ms per agreement")]
    private static partial Regex Agreement();

    [GeneratedRegex(@"([\d.e+-]+)ms per signature")]
    private static partial Regex Signature();

    [GeneratedRegex(@"PASS \(([\d.e+-]+)ms per validation")]
    private static partial Regex Validation();

    [GeneratedRegex(@"\(took ([\d.]+)ms\)")]
    private static partial Regex Generation();

    /// <summary>One line of the table: a rate where an operation has a length, else a time.</summary>
    /// <param name="name">What is measured.</param>
    /// <param name="bytes">How long the operation's message is; 0 for a time.</param>
    /// <param name="printed">The reference's figure in what it prints; null where it prints none.</param>
    /// <param name="factor">What makes microseconds of it, or MiB per second.</param>
    /// <param name="work">The operation.</param>
    private sealed class Item(string name, int bytes, Regex? printed, double factor, Action work)
    {
        private readonly List<double> _reference = [];
        private readonly List<double> _own = [];

        public Action Work { get; } = work;

        public void Add(string output, double seconds)
        {
            var figures = printed?.Matches(output).Select(match => double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture)).ToArray() ?? [];
            if (figures.Length > 0)
                _reference.Add(figures.Average() * factor);
            _own.Add(bytes > 0 ? bytes / Mebibyte / seconds : seconds * 1e6);
        }

        public override string ToString() =>
            string.Create(CultureInfo.InvariantCulture, $"| {name} | {(bytes > 0 ? "MiB/s" : "us")} | {Pair(Median, " | ")} | {Pair(Best, ", ")} |");

        private string Pair(Func<List<double>, double?> choose, string separator)
        {
            double? reference = choose(_reference), own = choose(_own), times = bytes > 0 ? own / reference : reference / own;
            return string.Create(CultureInfo.InvariantCulture, $"{Figure(reference)}{separator}{Figure(own)} | {(times is { } ratio ? $"{ratio:F2}" : "-")}");
        }

        private double? Best(List<double> values) => values.Count == 0 ? null : bytes > 0 ? values.Max() : values.Min();

        private static double? Median(List<double> values) => values.Count == 0 ? null : values.Order().ElementAt(values.Count / 2);

        private static string Figure(double? value) => value is { } number ? number.ToString(number < 100 ? "F1" : "F0", CultureInfo.InvariantCulture) : "-";
    }
}

/// <summary>The operations, on messages of the lengths that the reference takes.</summary>
internal sealed class ReferenceWork : IDisposable
{
    public const int StreamBytes = 1_234_567;
    public const int MessageBytes = 16_384;

    private readonly byte[] _key = new byte[32];
    private readonly byte[] _nonce = new byte[8];
    private readonly byte[] _stream = new byte[StreamBytes];
    private readonly byte[] _message = new byte[MessageBytes];
    private readonly byte[] _short = new byte[200];
    private readonly byte[] _tag = new byte[16];
    private readonly byte[] _agreed = new byte[Identity.AgreedKeySize];
    private readonly byte[] _signature = new byte[Identity.SignatureSize];
    private readonly byte[] _shortSignature = new byte[Identity.SignatureSize];
    private readonly AesGmacSiv _aes = new(new byte[32], new byte[32]);
    private readonly Identity _mine = Make(1);
    private readonly Identity _theirs = Make(2);
    private int _seed = 100;

    public ReferenceWork() => _mine.Sign(_short, _shortSignature);

    public void Salsa() => Salsa20.Transform12(_key, _nonce, 1, _stream);

    public void Authenticate() => Poly1305.Compute(_key, _stream, _tag);

    public void Encrypt() => _aes.Encrypt(_nonce, [], _message, _tag);

    public void Agree() => _mine.TryAgree(_theirs, _agreed);

    public void SignLong() => _mine.Sign(_message, _signature);

    public void SignShort() => _mine.Sign(_short, _signature);

    public void Verify() => _mine.Verify(_short, _shortSignature);

    public void Validate() => _theirs.Validate();

    public void Generate() => Make(_seed++).Dispose();

    public void Dispose()
    {
        _aes.Dispose();
        _mine.Dispose();
        _theirs.Dispose();
    }

    private static Identity Make(int seed) => Identity.Generate(new Random(seed).NextBytes);
}
