using System.Runtime.InteropServices;
using System.Text;
using Lanyard.Intercept.Linux;
using Lanyard.Intercept.Protocol;

namespace Lanyard.Intercept.Programs;

/// <summary>The engines that redirect a program's sockets.</summary>
public enum RedirectEngine
{
    /// <summary>A library that is loaded into the program.</summary>
    Preload,

    /// <summary>A supervisor that answers the program's system calls.</summary>
    Supervise,
}

/// <summary>Chooses the engine for a program.</summary>
public static class ProgramEngine
{
    /// <summary>
    /// Chooses the engine. Programs that a dynamic linker loads are preloaded. Static programs, Go programs and unreadable programs are supervised. A script uses the
    /// engine of its interpreter.
    /// </summary>
    /// <param name="program">The program, as a path or a name that is looked up in <c>PATH</c>.</param>
    /// <exception cref="ProgramStartException">The program is for another architecture, which neither engine supports.</exception>
    public static RedirectEngine Choose(string program)
    {
        if (FindImage(program, out var file) is not { } image)
        {
            // The kernel does not run the file, or it is a shell script.
            return file is null || !File.Exists(file) || Libc.MayRead(file) ? RedirectEngine.Preload : RedirectEngine.Supervise;
        }

        if (image.Machine != (RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? ProgramImage.MachineArm64 : ProgramImage.MachineX64))
            throw new ProgramStartException($"{file} is a program for another architecture, whose sockets cannot be redirected. Use a 64-bit program for this machine.");
        return image.IsDynamic && !image.IsGo ? RedirectEngine.Preload : RedirectEngine.Supervise;
    }

    /// <summary>Throws if the preload engine was requested for a program that it does not support.</summary>
    /// <param name="program">The program, as a path or a name that is looked up in <c>PATH</c>.</param>
    /// <exception cref="ProgramStartException">The program is static, a Go program, or unreadable.</exception>
    public static void ThrowIfNotPreloaded(string program)
    {
        if (Choose(program) == RedirectEngine.Supervise)
            throw new ProgramStartException($"{program} is a static program or a Go program, which cannot be preloaded. Use '--engine supervise', or '--allow-outside' to let it use the system's network.");
    }

    // Returns the image of a program or of a script's interpreter, with no machine if it is not a 64-bit image; null if the file is neither.
    private static ProgramImage? FindImage(string program, out string? file)
    {
        file = ProgramStart.Find(program);
        for (var i = 0; file is not null && i <= InterceptProtocol.ScriptsMax; i++)
        {
            var start = ReadStart(file);
            if (ProgramImage.TryParse(start, out var image))
                return image;
            if (start.AsSpan().StartsWith(ProgramImage.Magic))
                return default(ProgramImage);
            if (InterpreterOf(start) is not { } interpreter)
                break;
            file = interpreter;
        }

        return null;
    }

    /// <summary>Returns the interpreter in a script's first line; null if the file is not a script.</summary>
    internal static string? InterpreterOf(ReadOnlySpan<byte> start)
    {
        if (!start.StartsWith("#!"u8))
            return null;
        var line = start[2..Math.Min(start.Length, InterceptProtocol.ScriptLineMax)];
        var end = line.IndexOf((byte)'\n');
        line = (end < 0 ? line : line[..end]).Trim(" \t"u8);
        end = line.IndexOfAny((byte)' ', (byte)'\t');
        line = end < 0 ? line : line[..end];
        return line.IsEmpty || line.Contains((byte)0) ? null : Encoding.UTF8.GetString(line);
    }

    internal static byte[] ReadStart(string file)
    {
        try
        {
            using var handle = File.OpenHandle(file);
            var start = new byte[Math.Min(ProgramImage.StartBytes, RandomAccess.GetLength(handle))];
            return start[..RandomAccess.Read(handle, start, 0)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            // A program may be executable but not readable.
            return [];
        }
    }
}
