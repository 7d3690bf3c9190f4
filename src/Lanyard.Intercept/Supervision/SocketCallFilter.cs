using System.Runtime.InteropServices;
using Lanyard.Intercept.Linux;

namespace Lanyard.Intercept.Supervision;

/// <summary>
/// The filter of a program's system calls (<c>seccomp(2)</c>, classic BPF). It stops calls that the supervisor answers, refuses calls that cannot be
/// redirected, and allows all others.
/// </summary>
internal static class SocketCallFilter
{
    private const uint ArchitectureX64 = 0xc000003e;
    private const uint ArchitectureArm64 = 0xc00000b7;
    private const uint Notify = 0x7fc00000;
    private const uint Allow = 0x7fff0000;

    // struct seccomp_data.
    private const uint NumberOffset = 0;
    private const uint ArchitectureOffset = 4;
    private const uint ArgumentsOffset = 16;

    private const int SoError = 4;
    private const int FlagsArgument = 3;
    private const int NameArgument = 4;

    private const uint Refuse = 0x00050000 | Errno.NoSuchCall; // SECCOMP_RET_ERRNO
    private const uint SetUpRing = 425; // io_uring_setup, the same number on every architecture
    private const uint SocketCallOf32Bits = 102; // socketcall
    private const uint SocketOfX86 = 359;
    private const uint SocketOfArm = 281;
    private const uint FirstOfX32 = 0x40000000;

    private static readonly SocketCall[] s_always =
    [
        SocketCall.Connect, SocketCall.Bind, SocketCall.Listen, SocketCall.Accept, SocketCall.Accept4, SocketCall.GetSocketName, SocketCall.GetPeerName,
        SocketCall.SendMessage, SocketCall.SendMessages, SocketCall.ReceiveMessage, SocketCall.ReceiveMessages,
    ];

    /// <summary>Creates the filter.</summary>
    /// <param name="architecture">The machine architecture.</param>
    /// <param name="isIsolated">Whether to stop all calls that open sockets, except Unix domain sockets.</param>
    public static FilterStep[] Create(Architecture architecture, bool isIsolated)
    {
        var steps = Refusing(architecture);
        foreach (var call in s_always)
        {
            steps.Add(FilterStep.Compare(Number(call, architecture), 0, 1));
            steps.Add(FilterStep.Do(FilterStep.Return, Notify));
        }

        // Sends and receives without an address use the connected peer and need no supervisor, except for urgent data.
        steps.AddRange([FilterStep.Compare(Number(SocketCall.SendTo, architecture), 0, 3), FilterStep.Do(FilterStep.Load, Low(FlagsArgument)), Any(Libc.OutOfBand, 0, 1)]);
        steps.AddRange([FilterStep.Do(FilterStep.Return, Notify), FilterStep.Do(FilterStep.Load, NumberOffset)]);
        foreach (var call in new[] { SocketCall.SendTo, SocketCall.ReceiveFrom })
        {
            steps.AddRange([FilterStep.Compare(Number(call, architecture), 0, 6), FilterStep.Do(FilterStep.Load, Low(NameArgument)), FilterStep.Compare(0, 0, 3), FilterStep.Do(FilterStep.Load, Low(NameArgument) + 4), FilterStep.Compare(0, 0, 1)]);
            steps.AddRange([FilterStep.Do(FilterStep.Return, Allow), FilterStep.Do(FilterStep.Return, Notify)]);
        }

        if (isIsolated)
        {
            steps.AddRange([FilterStep.Compare(Number(SocketCall.Socket, architecture), 0, 4), FilterStep.Do(FilterStep.Load, Low(0)), FilterStep.Compare(Libc.DomainUnix, 0, 1)]);
            steps.AddRange([FilterStep.Do(FilterStep.Return, Allow), FilterStep.Do(FilterStep.Return, Notify)]);
        }

        steps.AddRange(If(SocketCall.GetSocketOption, architecture, 1, [Libc.SolSocket], 2, [SoError]));
        steps.AddRange(IfLevel(architecture, Libc.SolSocket, StreamOptions.Of(Libc.SolSocket)));
        steps.AddRange(IfLevel(architecture, Libc.Tcp, StreamOptions.Of(Libc.Tcp)));
        steps.AddRange(If(SocketCall.SetSocketOption, architecture, 1, [GroupOption.LevelV4, GroupOption.LevelV6], 2, [.. GroupOption.Options.Union(StreamOptions.Of(GroupOption.LevelV4)).Union(StreamOptions.Of(GroupOption.LevelV6))]));
        steps.AddRange(If(SocketCall.Socket, architecture, 0, [Libc.DomainV4, Libc.DomainV6], 2, [Libc.EchoV4, Libc.EchoV6]));
        steps.Add(FilterStep.Do(FilterStep.Return, Allow));
        return [.. steps];
    }

    /// <summary>Creates a filter that refuses calls that neither engine redirects, for a preloaded program that is isolated from the system's network.</summary>
    public static FilterStep[] CreateRefusing(Architecture architecture) => [.. Refusing(architecture), FilterStep.Do(FilterStep.Return, Allow)];

    // Refuses io_uring, whose addresses are in memory that no filter sees, and the sockets of 32-bit programs, as if the kernel supported neither. Leaves the number
    // of the call loaded for the next steps.
    private static List<FilterStep> Refusing(Architecture architecture)
    {
        var isArm = architecture == Architecture.Arm64;
        FilterStep[] others =
        [
            FilterStep.Do(FilterStep.Load, NumberOffset),
            FilterStep.Compare(SocketCallOf32Bits, 6, 0),
            FilterStep.Compare(SetUpRing, 5, 0),
            FilterStep.Compare(isArm ? SocketOfArm : SocketOfX86, 0, 3),
            FilterStep.Do(FilterStep.Load, Low(0)),
            FilterStep.Compare(Libc.DomainUnix, 1, 0),
            FilterStep.Compare(Libc.DomainNetlink, 0, 1),
            FilterStep.Do(FilterStep.Return, Allow),
            FilterStep.Do(FilterStep.Return, Refuse),
        ];
        return
        [
            FilterStep.Do(FilterStep.Load, ArchitectureOffset),
            FilterStep.Compare(isArm ? ArchitectureArm64 : ArchitectureX64, (byte)others.Length, 0),
            .. others,
            FilterStep.Do(FilterStep.Load, NumberOffset),
            FilterStep.Compare(SetUpRing, 1, 0),
            new FilterStep { Code = FilterStep.JumpIfGreaterOrEqual, Operand = FirstOfX32, IfTrue = 0, IfFalse = 1 },
            FilterStep.Do(FilterStep.Return, Refuse),
        ];
    }

    private static FilterStep Any(uint bits, byte ifSet, byte ifNot) => new() { Code = FilterStep.JumpIfAnySet, Operand = bits, IfTrue = ifSet, IfFalse = ifNot };

    // Stops a call if each of two arguments has one of some values.
    private static FilterStep[] If(SocketCall call, Architecture architecture, int first, int[] firsts, int second, int[] seconds)
    {
        FilterStep[] values =
        [
            FilterStep.Do(FilterStep.Load, Low(first)), .. AnyOf(firsts, 0, (byte)(seconds.Length + 1)), FilterStep.Do(FilterStep.Load, Low(second)), .. AnyOf(seconds, 1, 0),
            FilterStep.Do(FilterStep.Return, Allow), FilterStep.Do(FilterStep.Return, Notify),
        ];
        return [FilterStep.Compare(Number(call, architecture), 0, (byte)values.Length), .. values];
    }

    // Stops setsockopt calls with one level and one of some options. For another level, continues with the call's number loaded.
    private static FilterStep[] IfLevel(Architecture architecture, int level, int[] options)
    {
        FilterStep[] values =
        [
            FilterStep.Do(FilterStep.Load, Low(2)), .. AnyOf(options, 1, 0), FilterStep.Do(FilterStep.Return, Allow), FilterStep.Do(FilterStep.Return, Notify),
        ];
        return
        [
            FilterStep.Compare(Number(SocketCall.SetSocketOption, architecture), 0, (byte)(values.Length + 3)), FilterStep.Do(FilterStep.Load, Low(1)),
            FilterStep.Compare((uint)level, 0, (byte)values.Length), .. values, FilterStep.Do(FilterStep.Load, NumberOffset),
        ];
    }

    // Compares the loaded value with some values, then skips as many steps as given for either result.
    private static IEnumerable<FilterStep> AnyOf(int[] values, byte ifEqual, byte ifNot) =>
        values.Select((value, i) => FilterStep.Compare((uint)value, (byte)(values.Length - 1 - i + ifEqual), i == values.Length - 1 ? ifNot : (byte)0));

    private static uint Number(SocketCall call, Architecture architecture) => (uint)SocketCalls.NumberOf(call, architecture);

    // Arguments have 64 bits, with the low half first.
    private static uint Low(int argument) => ArgumentsOffset + ((uint)argument * 8);
}
