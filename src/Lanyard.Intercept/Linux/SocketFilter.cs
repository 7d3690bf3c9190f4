using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Lanyard.Intercept.Hub;

namespace Lanyard.Intercept.Linux;

/// <summary><c>struct sock_filter</c>: a step of classic BPF.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FilterStep
{
    public const ushort Load = 0x20; // BPF_LD | BPF_W | BPF_ABS
    public const ushort LoadByte = 0x30; // BPF_LD | BPF_B | BPF_ABS
    public const ushort And = 0x54; // BPF_ALU | BPF_AND | BPF_K
    public const ushort JumpIfEqual = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
    public const ushort JumpIfGreaterOrEqual = 0x35; // BPF_JMP | BPF_JGE | BPF_K
    public const ushort JumpIfAnySet = 0x45; // BPF_JMP | BPF_JSET | BPF_K
    public const ushort Return = 0x06; // BPF_RET | BPF_K

    public ushort Code;
    public byte IfTrue;
    public byte IfFalse;
    public uint Operand;

    /// <summary>Creates a step without a jump.</summary>
    public static FilterStep Do(ushort code, uint operand) => new() { Code = code, Operand = operand };

    /// <summary>Creates a comparison with the number of steps to skip for each result.</summary>
    public static FilterStep Compare(uint value, byte ifEqual, byte ifNot) => new() { Code = JumpIfEqual, Operand = value, IfTrue = ifEqual, IfFalse = ifNot };
}

/// <summary><c>struct sock_fprog</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct FilterProgram
{
    public ushort Count;
    public FilterStep* Steps;
}

/// <summary>Filters of UDP sockets (<c>socket(7)</c>, <c>SO_ATTACH_FILTER</c>), with which the kernel drops datagrams that a socket must not receive.</summary>
internal static class SocketFilter
{
    private const uint NetworkHeader = 0xfff00000; // SKF_NET_OFF
    private const uint Interface = 0xfffff008; // SKF_AD_OFF + SKF_AD_IFINDEX
    private const uint SourceOffset = 12;
    private const uint OptionsOffset = 20;
    private const uint All = uint.MaxValue;
    private const uint Nothing = 0;

    /// <summary>Attaches a filter to a socket. Returns 0 or an errno.</summary>
    public static unsafe int Attach(int descriptor, ReadOnlySpan<FilterStep> filter)
    {
        fixed (FilterStep* steps = filter)
        {
            var program = new FilterProgram { Count = (ushort)filter.Length, Steps = steps };
            return Libc.SetOption(descriptor, Libc.SolSocket, SocketDescriptor.SoAttachFilter, &program, sizeof(FilterProgram)) == 0 ? 0 : Libc.Error;
        }
    }

    /// <summary>Creates a filter that accepts only datagrams from an interface.</summary>
    public static FilterStep[] OfInterface(int index) =>
    [
        FilterStep.Do(FilterStep.Load, Interface), FilterStep.Compare((uint)index, 0, 1), FilterStep.Do(FilterStep.Return, All), FilterStep.Do(FilterStep.Return, Nothing),
    ];

    /// <summary>
    /// Creates a filter that accepts only datagrams with certain IP options. A socket on a system address needs them only from loopback alias addresses.
    /// </summary>
    public static FilterStep[] OfToken(ReadOnlySpan<byte> options, bool isOnAlias)
    {
        var steps = new List<FilterStep> { FilterStep.Do(FilterStep.LoadByte, NetworkHeader), FilterStep.Do(FilterStep.And, 0xf0), FilterStep.Compare(0x40, 0, isOnAlias ? Drop : Accept) };
        if (!isOnAlias)
            steps.AddRange([FilterStep.Do(FilterStep.Load, NetworkHeader + SourceOffset), FilterStep.Do(FilterStep.And, LoopbackAliases.RangeMask), FilterStep.Compare(LoopbackAliases.FarFirst, 0, Accept)]);
        for (var i = 0; i < options.Length; i += sizeof(uint))
        {
            steps.Add(FilterStep.Do(FilterStep.Load, NetworkHeader + OptionsOffset + (uint)i));
            steps.Add(FilterStep.Compare(BinaryPrimitives.ReadUInt32BigEndian(options[i..]), 0, Drop));
        }

        steps.AddRange([FilterStep.Do(FilterStep.Return, All), FilterStep.Do(FilterStep.Return, Nothing)]);
        var program = CollectionsMarshal.AsSpan(steps);
        for (var i = 0; i < program.Length; i++)
        {
            // The last two steps are the results.
            if (program[i] is { Code: FilterStep.JumpIfEqual, IfFalse: Accept or Drop })
                program[i].IfFalse = (byte)(program.Length - (program[i].IfFalse == Accept ? 3 : 2) - i);
        }

        return [.. steps];
    }

    // Placeholders for the jump to a result, until its distance is known.
    private const byte Accept = 254;
    private const byte Drop = 255;
}
