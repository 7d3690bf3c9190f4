using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;
using SharpFuzz;

namespace Lanyard.Fuzz;

/// <summary>The commands of <c>eng/fuzz</c>.</summary>
internal static class FuzzCommands
{
    private static readonly string[] Rooms = ["Lanyard.Primitives", "Lanyard.Wire", "Lanyard.Engine", "Lanyard.NetStack", "Lanyard", "Lanyard.Controller", "Lanyard.Service", "lanyard", "Lanyard.Cli"];

    /// <summary>Runs a command.</summary>
    /// <returns>The exit code.</returns>
    public static int Run(string[] arguments)
    {
        switch (arguments)
        {
            case ["targets"]:
                foreach (var target in FuzzTarget.All)
                    Console.WriteLine($"{target.Name} {target.MaxInputBytes}");
                return 0;
            case ["seed", var name, var folder]:
                foreach (var input in Kept(name))
                    File.WriteAllBytes(Path.Combine(folder, Corpus.NameOf(input)), input);
                return 0;
            case ["keep", var name, var folder]:
                Corpus.Write(FuzzTarget.Find(name).Name, Directory.EnumerateFiles(folder).Select(File.ReadAllBytes));
                return 0;
            case ["replay", var name, .. var files]:
                return Replay(FuzzTarget.Find(name), files.Length > 0 ? [.. files.Select(File.ReadAllBytes)] : Kept(name));
            case ["replay"]:
                return FuzzTarget.All.Max(target => Replay(target, Kept(target.Name)));
            case ["instrument", var folder]:
                return Instrument(folder);
            case ["coverage", var file]:
                return CoverageReport.Write(JsonDocument.Parse(File.ReadAllBytes(file)).RootElement, Console.Out);
            default:
                Console.Error.WriteLine("Commands: targets; seed TARGET FOLDER; keep TARGET FOLDER; replay [TARGET [FILE...]]; instrument FOLDER; coverage FILE");
                return 2;
        }
    }

    // The inputs that every test run starts from.
    private static List<byte[]> Kept(string name) => [.. FuzzTarget.Find(name).Seeds(), .. Corpus.Read(name)];

    private static int Replay(FuzzTarget target, List<byte[]> inputs)
    {
        var time = Stopwatch.StartNew();
        var failed = 0;
        foreach (var input in inputs)
        {
            try
            {
                target.Body(input);
            }
            catch (Exception e)
            {
                failed = 1;
                Console.WriteLine($"{target.Name}: {Convert.ToHexString(input)}\n{e}");
            }
        }

        Console.WriteLine($"{target.Name}: {inputs.Count} inputs in {time.ElapsedMilliseconds} ms");
        return failed;
    }

    // Ciphers and curves have no branches on hostile bytes, and would drown the others.
    private static int Instrument(string folder)
    {
        foreach (var room in Rooms)
        {
            var path = Path.Combine(folder, room + ".dll");
            if (!File.Exists(path))
                continue;
            var types = Fuzzer.Instrument(path, type => !type.StartsWith("Lanyard.Wire.Crypto.", StringComparison.Ordinal), Options.Value).Count();
            Console.WriteLine($"{room}: {types} types");
        }

        return 0;
    }
}

/// <summary>The entry points of <c>libfuzzer.c</c>. They run in its process, on its thread.</summary>
internal static unsafe class LibFuzzer
{
    private static FuzzBody _body = static _ => { };

    /// <summary>Chooses the target. Branches that instrumented code takes are counted in <paramref name="counters"/>, 65,536 bytes.</summary>
    /// <returns>0, or 1 where there is no such target.</returns>
    [UnmanagedCallersOnly]
    public static int Open(byte* name, byte* counters)
    {
        try
        {
            SharpFuzz.Common.Trace.SharedMem = counters;
            _body = FuzzTarget.Find(Marshal.PtrToStringUTF8((nint)name)!).Body;
            return 0;
        }
        catch (Exception e)
        {
            Console.Error.WriteLine(e);
            return 1;
        }
    }

    /// <summary>Runs one input.</summary>
    /// <returns>0, or 1 where something escaped that must not.</returns>
    [UnmanagedCallersOnly]
    public static int RunOne(byte* data, nuint size)
    {
        try
        {
            // What came before does not change what is counted.
            SharpFuzz.Common.Trace.PrevLocation = 0;
            _body(new ReadOnlySpan<byte>(data, (int)size));
            return 0;
        }
        catch (Exception e)
        {
            Console.Error.WriteLine(e);
            return 1;
        }
    }
}
