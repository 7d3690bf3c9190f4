using System.Runtime.InteropServices;
using System.Text;

namespace Lanyard.Cli.Run;

/// <summary>How a program's sockets are redirected.</summary>
internal enum Engine
{
    /// <summary>By a library that is loaded into it.</summary>
    Preload,

    /// <summary>By answering its system calls.</summary>
    Supervise,
}

/// <summary>Which engine a program takes.</summary>
internal static class ProgramEngine
{
    private const int MaxScripts = 4;
    private const int MaxScriptLine = 255;

    /// <summary>
    /// Chooses: what is loaded by the dynamic linker, which preloads, is preloaded; static programs and Go's are supervised. A script is what its interpreter is.
    /// </summary>
    /// <exception cref="CommandException">The program is another machine's, which neither can reach.</exception>
    public static Engine Choose(string program)
    {
        var file = ProgramStart.Find(program);
        for (var i = 0; file is not null && i < MaxScripts; i++)
        {
            var start = ReadStart(file);
            if (ProgramImage.TryParse(start, out var image))
            {
                if (image.Machine != (RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? ProgramImage.MachineArm64 : ProgramImage.MachineX64))
                    throw new CommandException(ExitCode.Failed, $"{file} is a program of another machine: its sockets cannot be redirected.");
                return image.IsDynamic && !image.IsGo ? Engine.Preload : Engine.Supervise;
            }

            if (InterpreterOf(start) is not { } interpreter)
                break;
            file = interpreter;
        }

        // What the system does not run either, or runs as a script of the shell.
        return Engine.Preload;
    }

    /// <summary>The interpreter that a script's first line names; null where it is none.</summary>
    internal static string? InterpreterOf(ReadOnlySpan<byte> start)
    {
        if (!start.StartsWith("#!"u8))
            return null;
        var line = start[2..Math.Min(start.Length, MaxScriptLine)];
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
            // It may be executed without being read.
            return [];
        }
    }
}
