using System.Buffers.Binary;
using System.Text;

namespace Lanyard.Intercept.Programs;

/// <summary>The properties of a program's ELF file (<c>elf(5)</c>) that determine its engine.</summary>
/// <param name="Machine">The architecture (<c>e_machine</c>).</param>
/// <param name="Loader">The dynamic linker (<c>PT_INTERP</c>); null for a static program.</param>
/// <param name="IsGo">Whether Go's linker created the file. Go programs make system calls directly, without the C library.</param>
internal readonly record struct ProgramImage(ushort Machine, string? Loader, bool IsGo)
{
    /// <summary>x86-64.</summary>
    public const ushort MachineX64 = 62;

    /// <summary>64-bit Arm.</summary>
    public const ushort MachineArm64 = 183;

    /// <summary>The number of bytes at the start of a file that <see cref="TryParse"/> needs.</summary>
    public const int StartBytes = 65_536;

    /// <summary>The first bytes of an ELF file.</summary>
    public static ReadOnlySpan<byte> Magic => "\u007fELF"u8;

    /// <summary>Whether a dynamic linker loads the program.</summary>
    public bool IsDynamic => Loader is not null;

    private const int HeaderBytes = 64;
    private const byte Class64 = 2;
    private const byte LittleEndian = 1;
    private const int InterpreterSegment = 3;
    private const int NoteSegment = 4;
    private const int GoBuildId = 4;

    /// <summary>Reads the start of a file. Returns false unless it is a 64-bit ELF file.</summary>
    /// <param name="start">The file's first bytes, up to <see cref="StartBytes"/>.</param>
    /// <param name="image">The properties.</param>
    public static bool TryParse(ReadOnlySpan<byte> start, out ProgramImage image)
    {
        image = default;
        if (start.Length < HeaderBytes || !start.StartsWith(Magic) || start[4] != Class64 || start[5] != LittleEndian)
            return false;
        var machine = BinaryPrimitives.ReadUInt16LittleEndian(start[18..]);
        var offset = BinaryPrimitives.ReadUInt64LittleEndian(start[32..]);
        var size = BinaryPrimitives.ReadUInt16LittleEndian(start[54..]);
        var count = BinaryPrimitives.ReadUInt16LittleEndian(start[56..]);
        const int segmentBytes = 56;
        if (size < segmentBytes)
            return false;
        string? loader = null;
        var isGo = false;
        for (var i = 0; i < count; i++, offset += size)
        {
            if (offset > (ulong)(start.Length - segmentBytes))
                return false;
            var segment = start.Slice((int)offset, segmentBytes);
            var kind = BinaryPrimitives.ReadUInt32LittleEndian(segment);
            var content = Part(start, BinaryPrimitives.ReadUInt64LittleEndian(segment[8..]), BinaryPrimitives.ReadUInt64LittleEndian(segment[32..]));
            if (kind == InterpreterSegment)
                loader = Encoding.UTF8.GetString(content.TrimEnd((byte)0));
            else if (kind == NoteSegment)
                isGo |= HasGoNote(content);
        }

        image = new ProgramImage(machine, loader, isGo);
        return true;
    }

    private static ReadOnlySpan<byte> Part(ReadOnlySpan<byte> start, ulong offset, ulong length) =>
        offset >= (ulong)start.Length ? default : start.Slice((int)offset, (int)Math.Min(length, (ulong)start.Length - offset));

    // Each note: the lengths of owner and content, and the type; then owner and content, each padded to four bytes.
    private static bool HasGoNote(ReadOnlySpan<byte> notes)
    {
        const int headBytes = 12;
        while (notes.Length >= headBytes)
        {
            var owner = Padded(notes);
            var content = Padded(notes[4..]);
            if (BinaryPrimitives.ReadUInt32LittleEndian(notes[8..]) == GoBuildId && notes[headBytes..].StartsWith("Go\0"u8))
                return true;
            var whole = headBytes + owner + content;
            if (whole > notes.Length)
                return false;
            notes = notes[(int)whole..];
        }

        return false;
    }

    private static long Padded(ReadOnlySpan<byte> length) => (BinaryPrimitives.ReadUInt32LittleEndian(length) + 3L) & ~3L;
}
